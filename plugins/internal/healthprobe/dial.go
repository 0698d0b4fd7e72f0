package healthprobe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// headStart is how long the first address of a peer is tried alone (RFC 8305, section 5), unless
// the attempt has less time.
const headStart = 250 * time.Millisecond

// Dialer connects to health targets. The zero value uses the machine's resolver.
type Dialer struct {
	Resolver *net.Resolver // nil: the machine's
}

// Route is how a target is reached.
type Route struct {
	// Addresses are those of the target's host name, the one to be tried first in front. If
	// there are none, the dialer looks the name up.
	Addresses []netip.Addr
	Last      string // remote address of the last success, "" if there was none
}

// Connection is a connection to a target.
type Connection struct {
	net.Conn
	Remote string        // the address that answered
	Began  time.Time     // when the attempt at that address began, after the lookup of the name
	Took   time.Duration // from then until it was there
}

// Dial connects to host:port within the deadline of ctx.
func (d Dialer) Dial(ctx context.Context, target string, via Route) (*Connection, error) {
	if len(via.Addresses) == 0 {
		return d.lookup(ctx, target, via.Last)
	}
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	targets := make([]string, len(via.Addresses))
	for i, ip := range via.Addresses {
		targets[i] = net.JoinHostPort(ip.String(), port)
	}
	return d.race(ctx, targets)
}

// raced is how the attempt at one of several addresses ended.
type raced struct {
	at   int
	conn *Connection
	err  error
}

// race connects to the first of several addresses that answers. The next one is tried when one
// has failed, or when the first had its head start; no more than two at once. The error is that
// of the first one.
func (d Dialer) race(ctx context.Context, targets []string) (*Connection, error) {
	start := headStart
	if deadline, ok := ctx.Deadline(); ok {
		start = min(start, time.Until(deadline)/3)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan raced, len(targets))
	next, running := 0, 0
	begin := func() {
		if next == len(targets) || running == filesPerAttempt {
			return
		}
		at := next
		next++
		running++
		go func() {
			c, err := d.connect(ctx, targets[at], func() bool { return true })
			results <- raced{at, c, err}
		}()
	}
	begin()
	timer := time.NewTimer(start)
	defer timer.Stop()
	var first error
	for running > 0 {
		select {
		case <-timer.C:
			begin()
		case r := <-results:
			running--
			if r.err == nil {
				cancel()
				for ; running > 0; running-- { // they end at once
					if late := <-results; late.conn != nil {
						_ = late.conn.Close()
					}
				}
				return r.conn, nil
			}
			if r.at == 0 || first == nil {
				first = r.err
			}
			begin()
		}
	}
	return nil, first
}

// lookup connects to host:port after a lookup of the name. last is the remote address of the
// last success, "" if there was none. If the name does not resolve within half of the time,
// that address is tried: a broken name server is not a fault of the peer.
func (d Dialer) lookup(ctx context.Context, target, last string) (*Connection, error) {
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
	c, err := d.connect(lookup, target, func() bool {
		return stage.CompareAndSwap(looking, connecting) || stage.Load() == connecting
	})
	var dns *net.DNSError
	if (stage.Load() == gaveUp || errors.As(err, &dns)) && ctx.Err() == nil {
		return d.connect(ctx, last, func() bool { return true })
	}
	return c, err
}

var errGaveUp = errors.New("the name was found too late")

// connect makes an attempt. It calls begin before it connects to an address, and stops if
// begin returns false.
func (d Dialer) connect(ctx context.Context, target string, begin func() bool) (*Connection, error) {
	var starts starts
	dialer := net.Dialer{
		KeepAlive: -1,
		Resolver:  d.Resolver,
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
		return nil, err
	}
	out := &Connection{Conn: c, Remote: c.RemoteAddr().String()}
	out.Began = starts.of(out.Remote)
	out.Took = ended.Sub(out.Began)
	if c.LocalAddr().String() == out.Remote {
		_ = out.Close()
		return nil, errSelfConnect
	}
	return out, nil
}

// Close resets the connection. After an orderly close each socket would stay in TIME_WAIT
// for a minute: 600,000 sockets at 10,000 targets a second.
func (c *Connection) Close() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return c.Conn.Close()
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
