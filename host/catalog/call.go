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
	"github.com/meshos/meshos/internal/guard"
	"github.com/meshos/meshos/internal/plaintext"
)

// timeoutHeader tells the plugin, in milliseconds, how long it may work. The call's
// deadline is later, because only the return of a late call shows that the plugin lives.
const timeoutHeader = "meshos-timeout-ms"

// timeoutForPlugin returns what the plugin is told of a timeout: a little less, so that
// an answer at the very end of its time still comes in time and does not make it lag.
func timeoutForPlugin(timeout time.Duration) time.Duration {
	return timeout - min(timeout/8, 250*time.Millisecond)
}

// doer makes one gRPC call. It hands its answer out by variables of its own, which the
// caller may read only if there was no error.
type doer func(ctx context.Context, conn grpc.ClientConnInterface) error

// call makes a call to the plugin; every call but a stream goes this way. It is refused
// at once if the plugin takes no calls, bounded by timeout and by ctx, counted, and
// guarded against panics. A call that outlives its timeout makes the plugin lag until the
// call returns.
func (s *slot) call(ctx context.Context, timeout time.Duration, method string, do doer) error {
	i, err := s.reserve(method, (*instance).unary)
	if err != nil {
		return err
	}
	c := s.newCall(i, method, timeout)
	c.start(do, func() {
		<-i.tokens
		i.calls.Done()
	})
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		// The call goes on: whether it returns shows whether the plugin lives.
		return &CallError{Plugin: s.entry.Name, Method: method, Kind: ctx.Err(), Detail: "the caller stopped waiting"}
	}
}

// pollTimeout is the timeout of calls that are made at every tick, unless the entry
// names one: a plugin that has the answer at hand needs no more.
func (s *slot) pollTimeout() time.Duration {
	if s.entry.timed {
		return s.entry.Timeout
	}
	return defaultPollTimeout
}

// reserve takes a token for a call of the running process, and adds the call to one of
// the process's groups.
func (s *slot) reserve(method string, group func(*instance) *sync.WaitGroup) (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instance
	if i == nil || s.machine.phase != ready {
		return nil, &NotReadyError{
			Plugin: s.entry.Name, Status: s.machine.phase.String(), Reason: s.machine.reason,
			RetryIn: s.machine.retryIn(s.opts.Now()),
		}
	}
	s.stats.calls++
	select {
	case i.tokens <- struct{}{}:
	default:
		s.stats.failures++
		return nil, &CallError{Plugin: s.entry.Name, Method: method, Kind: ErrBusy, Detail: fmt.Sprintf("%d; it is called faster than it answers", maxCalls)}
	}
	group(i).Add(1)
	return i, nil
}

// call is one call in flight.
type call struct {
	slot     *slot
	instance *instance
	method   string
	timeout  time.Duration
	began    time.Time
	internal bool       // one of the catalog's own, which is not counted
	result   chan error // buffered for one

	mu      sync.Mutex
	settled bool // it was counted, and its caller has the result
	late    bool // the machine was told that it is
}

func (s *slot) newCall(i *instance, method string, timeout time.Duration) *call {
	return &call{slot: s, instance: i, method: method, timeout: timeout, began: time.Now(), result: make(chan error, 1)}
}

// start makes the call in the background. It calls ended once the call has returned.
func (c *call) start(do doer, ended func()) {
	c.instance.pending.Add(1)
	late := time.AfterFunc(c.timeout, c.timedOut)
	go func() {
		defer ended()
		err := c.invoke(do)
		late.Stop()
		c.instance.touch(time.Now())
		c.instance.pending.Add(-1)
		c.returned(err)
	}()
}

// invoke makes the call.
func (c *call) invoke(do doer) error {
	// After this time the process is being killed.
	ctx, cancel := context.WithTimeout(c.instance.ctx, c.timeout+c.slot.opts.HangTimeout+abortGrace)
	defer cancel()
	ms := max(1, timeoutForPlugin(c.timeout).Milliseconds())
	ctx = metadata.AppendToOutgoingContext(ctx, timeoutHeader, strconv.FormatInt(ms, 10))
	return c.slot.guarded(c.method, func() error { return do(ctx, c.instance.conn) })
}

// guarded turns a panic of f, which is code of the host, into a failed call.
func (s *slot) guarded(method string, f func() error) error {
	err := guard.Call(f)
	if caught, ok := err.(*guard.PanicError); ok {
		err = &CallError{Plugin: s.entry.Name, Method: method, Kind: ErrFailed, Detail: plaintext.Clean(caught.Error(), detailLength)}
		s.opts.Log(mesh.LevelError, s.entry.Name, err.Error())
	}
	return err
}

// timedOut gives the caller its error when the call has outlived its timeout.
func (c *call) timedOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return
	}
	c.late = true
	c.settle(&CallError{
		Plugin: c.slot.entry.Name, Method: c.method, Kind: ErrDeadline,
		Detail: "no answer within " + c.timeout.String() + "; see what it waits for, or set timeout in its entry in meshos.toml",
	})
	c.step(func(m *machine, now time.Time) { m.callLate(now, c.method) })
}

// returned is called when the call has returned, in time or late.
func (c *call) returned(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		c.settle(c.slot.classify(c.instance, c.method, err))
	}
	if c.late {
		c.step(func(m *machine, now time.Time) { m.callReturned(now) })
	}
}

// step changes the life of the plugin if the process of the call is still the one that
// takes calls.
func (c *call) step(change func(m *machine, now time.Time)) {
	s := c.slot
	s.step(func(m *machine, now time.Time) {
		if s.instance == c.instance {
			change(m, now)
		}
	})
	s.wakeUp()
}

// settle counts the call and hands the result to its caller.
func (c *call) settle(err error) {
	c.settled = true
	defer func() { c.result <- err }()
	if c.internal {
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

// classify returns the error for the caller. A call whose process has ended was not
// answered and can be made again, whatever gRPC calls that.
func (s *slot) classify(i *instance, method string, err error) error {
	code := status.Code(err)
	if code == codes.Unavailable && i.lostConnection() {
		waitAtMost(100*time.Millisecond, func() { <-i.proc.Done() }) // the connection ends before the process
	}
	if code == codes.Canceled || code == codes.Unavailable {
		unavailable := func(why string) error {
			return &CallError{Plugin: s.entry.Name, Method: method, Kind: ErrUnavailable, Detail: why}
		}
		select {
		case <-i.proc.Done():
			return unavailable("it ended during the call")
		default:
		}
		select {
		case <-i.ctx.Done():
			return unavailable("it was stopped during the call")
		default:
		}
	}
	return callError(s.entry.Name, method, err)
}
