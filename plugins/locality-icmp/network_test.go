package main

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/net/ipv4"

	"github.com/meshos/meshos/pluginsdk"
)

// network is a fake link: answer returns the replies to what is written. It works in
// the virtual time of a synctest bubble.
type network struct {
	answer  func(to string, request []byte) []packet // called with mu held
	fail    map[string]error                         // error of a write to an address
	arrived chan packet
	expired chan struct{} // closed by SetReadDeadline
	once    sync.Once

	mu   sync.Mutex
	sent []time.Time
}

// packet is a reply that arrives after a while.
type packet struct {
	after time.Duration
	data  []byte
}

func newNetwork(answer func(to string, request []byte) []packet) *network {
	return &network{answer: answer, arrived: make(chan packet, 1024), expired: make(chan struct{})}
}

// echoing answers every request after rtt.
func echoing(rtt time.Duration) func(string, []byte) []packet {
	return func(_ string, request []byte) []packet {
		return []packet{{after: rtt, data: asReply(request, familyV4, 20)}}
	}
}

func (n *network) WriteBatch(ms []ipv4.Message, _ int) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, m := range ms {
		to := m.Addr.(*net.IPAddr).IP.String()
		if err := n.fail[to]; err != nil {
			if i == 0 {
				return -1, err
			}
			return i, nil
		}
		n.sent = append(n.sent, time.Now())
		for _, p := range n.answer(to, m.Buffers[0]) {
			time.AfterFunc(p.after, func() { n.arrived <- p })
		}
	}
	return len(ms), nil
}

func (n *network) ReadBatch(ms []ipv4.Message, _ int) (int, error) {
	select {
	case p := <-n.arrived:
		ms[0].N = copy(ms[0].Buffers[0], p.data)
		ms[0].NN = copy(ms[0].OOB, stamp(time.Now()))
		return 1, nil
	case <-n.expired:
		return 0, os.ErrDeadlineExceeded
	}
}

func (n *network) SetReadDeadline(time.Time) error {
	n.once.Do(func() { close(n.expired) })
	return nil
}

func (n *network) Close() error { return nil }

var usual = settings{interval: time.Second, timeout: time.Second, count: 3, size: usualSize}

// bubble runs a pinger over a fake network in virtual time.
func bubble(t *testing.T, n *network, log hclog.Logger, targets []target, test func(t *testing.T, p *Pinger)) {
	t.Helper()
	bubbleOf(t, usual, n, log, targets, test)
}

func bubbleOf(t *testing.T, set settings, n *network, log hclog.Logger, targets []target, test func(t *testing.T, p *Pinger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n.arrived, n.expired = make(chan packet, 1024), make(chan struct{})
		p := newPinger(set, [families]*link{familyV4: {batchConn: n, family: familyV4, raw: true}}, log)
		p.SetTargets(targets)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		test(t, p)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// after lets virtual time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantRTT(t *testing.T, p *Pinger, tg target, want time.Duration) {
	t.Helper()
	if s, _ := p.sample(tg.peer, tg.address); s.RTT != want {
		t.Errorf("peer %d: round-trip time %s; want %s", tg.peer, s.RTT, want)
	}
}

func wantSample(t *testing.T, p *Pinger, tg target, want pluginsdk.RTTSample) {
	t.Helper()
	want.Peer = tg.peer
	if s, ok := p.sample(tg.peer, tg.address); !ok || s != want {
		t.Errorf("got %+v, %v; want %+v", s, ok, want)
	}
}
