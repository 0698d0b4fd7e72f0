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

// attempt is the result of one connection attempt.
type attempt struct {
	took   time.Duration // of a success, without the lookup of the name
	remote string        // of a success: the address that answered
	err    error
}

// dialFunc makes one attempt at target within the deadline of ctx. last is the
// remote address of the last success, "" if there was none.
type dialFunc func(ctx context.Context, target, last string) attempt

// dialer connects and resets the connection.
type dialer struct {
	resolver *net.Resolver // nil: the machine's
}

// dial is a dialFunc. If the name does not resolve within half of the time, dial tries the
// last address that answered: a broken name server is not a fault of the peer.
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

// connect makes an attempt. It calls begin before it connects to an address, and stops if
// begin returns false.
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

// starts records when the connection attempt to each address of a name began: a dialer
// tries two at the same time, and either may answer.
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

// of returns when the attempt to an address began. If the system writes the address in
// another way than the name server did, that is the last start.
func (s *starts) of(address string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.at[address]; ok {
		return at
	}
	return s.last
}

// hangUp resets the connection. After an orderly close each socket would stay in TIME_WAIT
// for a minute: 600,000 sockets at 10,000 targets a second.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
