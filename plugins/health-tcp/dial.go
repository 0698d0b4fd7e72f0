package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// attempt is what one connect found out.
type attempt struct {
	took   time.Duration // of a success, without the lookup of the name
	remote string        // of a success: the address that answered
	err    error
}

// dialFunc makes one attempt at target within the deadline of ctx. last is the
// remote address of the last success, "" if there was none.
type dialFunc func(ctx context.Context, target, last string) attempt

// dialer connects and hangs up.
type dialer struct {
	resolver *net.Resolver // nil: the machine's
}

// dial is a dialFunc. A broken name server says nothing about the peer: when the
// name does not resolve within half of the time, it goes to the last address that
// answered.
func (d dialer) dial(ctx context.Context, target, last string) attempt {
	if last == "" {
		return d.connect(ctx, target, func() bool { return true })
	}
	lookup, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var stage atomic.Int32
	const looking, connecting, gaveUp = 0, 1, 2
	if deadline, ok := ctx.Deadline(); ok {
		timer := time.AfterFunc(time.Until(deadline)/2, func() {
			if stage.CompareAndSwap(looking, gaveUp) {
				giveUp()
			}
		})
		defer timer.Stop()
	}
	a := d.connect(lookup, target, func() bool {
		return stage.CompareAndSwap(looking, connecting) || stage.Load() == connecting
	})
	var dns *net.DNSError
	if (stage.Load() == gaveUp || errors.As(a.err, &dns)) && ctx.Err() == nil {
		return d.connect(ctx, last, func() bool { return true })
	}
	return a
}

var errGaveUp = errors.New("the name was found too late")

// connect makes an attempt. It asks begin when an address is found, and again for
// each further one; false ends it.
func (d dialer) connect(ctx context.Context, target string, begin func() bool) attempt {
	var starts starts
	dialer := net.Dialer{
		KeepAlive: -1,
		Resolver:  d.resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			if !begin() {
				return errGaveUp
			}
			starts.note(address)
			return nil
		},
	}
	c, err := dialer.DialContext(ctx, "tcp", target)
	ended := time.Now()
	if err != nil {
		return attempt{err: err}
	}
	self := c.LocalAddr().String() == c.RemoteAddr().String()
	a := attempt{remote: c.RemoteAddr().String()}
	a.took = ended.Sub(starts.of(a.remote))
	hangUp(c)
	if self {
		return attempt{err: errSelfConnect}
	}
	return a
}

// starts remembers when the connect to each address of a name began: a dialer tries
// two side by side, and the one that began last need not be the one that answers.
type starts struct {
	mu   sync.Mutex
	at   map[string]time.Time
	last time.Time
}

func (s *starts) note(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = make(map[string]time.Time, 1)
	}
	s.last = time.Now()
	s.at[address] = s.last
}

// of returns the start of the connect to an address. The system may write one in
// another way than it was asked for; then it is the last start.
func (s *starts) of(address string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.at[address]; ok {
		return at
	}
	return s.last
}

// hangUp resets the connection. An orderly close would leave each socket in
// TIME_WAIT for a minute: 600,000 of them at 10,000 targets a second.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
