package catalog

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
)

// timeoutHeader tells the plugin, in milliseconds, how long it may work. The call's
// own deadline is later, because only the return of a late call shows that the
// plugin lives.
const timeoutHeader = "meshos-timeout-ms"

// allowed is what the plugin is told of a timeout: a little less, so that what it
// answers at the end of its time still comes in time, and does not make it lag.
func allowed(timeout time.Duration) time.Duration {
	return timeout - min(timeout/8, 250*time.Millisecond)
}

// call is the way of every call to a plugin: refused at once when the plugin
// takes none, bounded by the entry's timeout and by ctx, counted, guarded against
// panics, and watched: one that outlives its timeout makes the plugin lag until
// it comes back. do must hand its answer out by variables of its own that the
// caller reads only if there was no error.
func (s *slot) call(ctx context.Context, method string, do func(ctx context.Context, conn grpc.ClientConnInterface) error) error {
	return s.callWithin(ctx, s.entry.Timeout, method, do)
}

// poll is call for what is asked at every tick: it has the answer at hand or is in
// trouble, so it is called late sooner, unless the entry names a timeout.
func (s *slot) poll(ctx context.Context, method string, do func(ctx context.Context, conn grpc.ClientConnInterface) error) error {
	return s.callWithin(ctx, s.pollTimeout(), method, do)
}

// pollTimeout is the time of a call that needs none.
func (s *slot) pollTimeout() time.Duration {
	if s.entry.timed {
		return s.entry.Timeout
	}
	return pollTimeout
}

// callWithin is call with another timeout than the entry's.
func (s *slot) callWithin(ctx context.Context, timeout time.Duration, method string, do func(ctx context.Context, conn grpc.ClientConnInterface) error) error {
	i, err := s.begin(method, (*instance).unary)
	if err != nil {
		return err
	}
	c := s.newCall(i, method, timeout)
	c.start(do, func() {
		<-i.slots
		i.calls.Done()
	})
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		// The call goes on: whether it comes back must be known.
		return &CallError{Plugin: s.entry.Name, Method: method, Kind: ctx.Err(), Detail: "the caller has gone"}
	}
}

// begin takes a place for a call of the present process, in one of its groups.
func (s *slot) begin(method string, group func(*instance) *sync.WaitGroup) (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instance
	if i == nil || s.machine.phase != ready {
		return nil, &NotReadyError{
			Plugin: s.entry.Name, Status: s.machine.phase.String(), Reason: s.machine.reason,
			Again: s.machine.again(s.opts.Now()),
		}
	}
	s.stats.calls++
	select {
	case i.slots <- struct{}{}:
	default:
		s.stats.failures++
		return nil, &CallError{Plugin: s.entry.Name, Method: method, Kind: ErrBusy, Detail: fmt.Sprintf("%d; it answers too slowly for what it is asked", callsAtOut)}
	}
	group(i).Add(1)
	return i, nil
}

// call is one call that is out.
type call struct {
	slot     *slot
	instance *instance
	method   string
	timeout  time.Duration
	began    time.Time
	result   chan error // holds one

	mu      sync.Mutex
	settled bool // the caller has its answer, and it was counted
	late    bool // the machine knows that it is
	quiet   bool // the catalog's own: it is not counted
}

func (s *slot) newCall(i *instance, method string, timeout time.Duration) *call {
	return &call{slot: s, instance: i, method: method, timeout: timeout, began: time.Now(), result: make(chan error, 1)}
}

// start makes the call in the background. ended is called when it is over.
func (c *call) start(do func(ctx context.Context, conn grpc.ClientConnInterface) error, ended func()) {
	c.instance.out.Add(1)
	late := time.AfterFunc(c.timeout, c.outlived)
	go func() {
		defer ended()
		err := c.do(do)
		late.Stop()
		c.instance.touch(time.Now())
		c.instance.out.Add(-1)
		c.back(err)
	}()
}

// do makes the call.
func (c *call) do(do func(ctx context.Context, conn grpc.ClientConnInterface) error) error {
	// Past this the process is being killed.
	ctx, cancel := context.WithTimeout(c.instance.ctx, c.timeout+c.slot.opts.HangTimeout+abortGrace)
	defer cancel()
	ms := max(1, allowed(c.timeout).Milliseconds())
	ctx = metadata.AppendToOutgoingContext(ctx, timeoutHeader, strconv.FormatInt(ms, 10))
	return c.slot.guard(c.method, func() error { return do(ctx, c.instance.conn) })
}

// guard makes a panic a failed call.
func (s *slot) guard(method string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &CallError{Plugin: s.entry.Name, Method: method, Kind: ErrFailed, Detail: plaintext.Clean(fmt.Sprint("panic: ", r), detailLength)}
			s.opts.Log(mesh.LevelError, s.entry.Name, err.Error())
		}
	}()
	return f()
}

// outlived is called when the timeout is over and the call is still out.
func (c *call) outlived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return
	}
	c.late = true
	s := c.slot
	c.settle(&CallError{Plugin: s.entry.Name, Method: c.method, Kind: ErrDeadline, Detail: "no answer within " + c.timeout.String() + "; see what it waits for, or set timeout in its entry in meshos.toml"})
	s.step(func(m *machine, now time.Time) {
		if s.instance == c.instance {
			m.callLate(now, c.method)
		}
	})
	s.wakeUp()
}

// back is called when the call has come back.
func (c *call) back(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		c.settle(c.slot.explain(c.instance, c.method, err))
	}
	if c.late {
		s := c.slot
		s.step(func(m *machine, now time.Time) {
			if s.instance == c.instance {
				m.callBack(now)
			}
		})
		s.wakeUp()
	}
}

// explain gives the error for the caller. However gRPC sees it: a call whose
// process has ended was not answered, and can be made again.
func (s *slot) explain(i *instance, method string, err error) error {
	code := status.Code(err)
	if code == codes.Unavailable && i.lostConnection() {
		within(100*time.Millisecond, func() { <-i.proc.Done() }) // the connection ends before the process
	}
	if code == codes.Canceled || code == codes.Unavailable {
		gone := func(how string) error {
			return &CallError{Plugin: s.entry.Name, Method: method, Kind: ErrUnavailable, Detail: how}
		}
		select {
		case <-i.proc.Done():
			return gone("it ended during the call")
		default:
		}
		select {
		case <-i.ctx.Done():
			return gone("it was stopped during the call")
		default:
		}
	}
	return callError(s.entry.Name, method, err)
}

// settle counts the call and gives its caller the answer.
func (c *call) settle(err error) {
	c.settled = true
	defer func() { c.result <- err }()
	if c.quiet {
		return
	}
	s, took := c.slot, time.Since(c.began)
	s.mu.Lock()
	s.stats.last = took
	if err != nil {
		s.stats.failures++
	}
	s.mu.Unlock()
	s.opts.Observe(s.entry.Name, c.method, took, err)
}
