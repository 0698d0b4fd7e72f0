package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// cable joins an address of a world with another one, for links of nodes and of seeds, until it
// is cut: then nothing gets through any more, and nobody is told.
type cable struct {
	mu    sync.Mutex
	whole *sync.Cond
	isCut bool
	ended bool
	conns []net.Conn
	wg    sync.WaitGroup

	carried atomic.Int64 // bytes
}

// newCable returns a cable from an address to another one.
func newCable(t testing.TB, from, to string) *cable {
	c := &cable{}
	c.whole = sync.NewCond(&c.mu)
	var listeners []net.Listener
	for _, pair := range [][2]string{{from, to}, {nextPort(from), nextPort(to)}} {
		l, err := net.Listen("tcp", pair[0])
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		c.wg.Go(func() { c.accept(l, pair[1]) })
	}
	t.Cleanup(func() {
		for _, l := range listeners {
			_ = l.Close()
		}
		c.mu.Lock()
		c.ended = true
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.whole.Broadcast()
		c.mu.Unlock()
		c.wg.Wait()
	})
	return c
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = cut
	c.whole.Broadcast()
}

func (c *cable) cut()  { c.set(true) }
func (c *cable) heal() { c.set(false) }

func (c *cable) accept(l net.Listener, to string) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		c.wg.Go(func() { c.join(near, to) })
	}
}

func (c *cable) join(near net.Conn, to string) {
	defer func() { _ = near.Close() }()
	if !c.keep(near) || !c.pass() {
		return
	}
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !c.keep(far) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], held{way[0], c})
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

func (c *cable) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return !c.ended
}

// pass waits until the cable is whole, and reports whether it is there at all.
func (c *cable) pass() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.isCut && !c.ended {
		c.whole.Wait()
	}
	return !c.ended
}

// held reads from a connection, and keeps what it read while the cable is cut.
type held struct {
	net.Conn
	cable *cable
}

func (h held) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.cable.carried.Add(int64(n))
	if !h.cable.pass() {
		return 0, io.EOF
	}
	return n, err
}
