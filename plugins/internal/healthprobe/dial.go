package healthprobe

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Dialer connects to health targets. The zero value uses the machine's resolver.
type Dialer struct {
	Resolver *net.Resolver // nil: the machine's
}

// Connection is a connection to a target.
type Connection struct {
	net.Conn
	Remote string        // the address that answered
	Began  time.Time     // when the attempt at that address began, after the lookup of the name
	Took   time.Duration // from then until it was there
}

// Dial connects to host:port within the deadline of ctx. last is the remote address of the
// last success, "" if there was none. If the name does not resolve within half of the time,
// Dial tries that address: a broken name server is not a fault of the peer.
func (d Dialer) Dial(ctx context.Context, target, last string) (*Connection, error) {
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
