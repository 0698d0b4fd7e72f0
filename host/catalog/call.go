package catalog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/guard"
	"github.com/meshos/meshos/internal/plaintext"
)

// rpc makes one gRPC call. It hands its answer out in variables of its caller, which may
// be read only if there was no error.
type rpc func(ctx context.Context, conn grpc.ClientConnInterface) error

// call makes a call to the plugin; every call but a stream goes this way. It is refused
// at once if the plugin takes no calls, bounded by timeout and by ctx, counted, and
// guarded against panics. A call that outlives its timeout makes the plugin lag until the
// call returns.
func (s *slot) call(ctx context.Context, timeout time.Duration, method string, do rpc) error {
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
		return &CallError{Plugin: s.entry().Name, Method: method, Kind: ctx.Err(), Detail: "the caller stopped waiting"}
	}
}

// stream makes a streaming call. Like call it is refused at once if the plugin takes no
// calls, counted, and guarded against panics; but it has no timeout and never makes the
// plugin lag. do has to return when its ctx ends, which it does with the caller's ctx and
// when the process is freed. What a process sent before it died is still read, for at
// most streamGrace.
func (s *slot) stream(ctx context.Context, method string, do rpc) error {
	i, err := s.reserve(method, (*instance).streaming)
	if err != nil {
		return err
	}
	defer i.streams.Done()
	defer func() { <-i.tokens }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(i.ctx, cancel)()
	err = s.classify(i, method, s.guarded(method, func() error { return do(ctx, i.conn) }))
	if err != nil {
		s.mu.Lock()
		s.stats.failures++
		s.mu.Unlock()
	}
	return err
}

// pollTimeout is the timeout of calls that are made at every tick, unless the entry
// names one: a plugin that has the answer at hand needs no more.
func (s *slot) pollTimeout() time.Duration {
	if s.entry().timed {
		return s.entry().Timeout
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
			Plugin: s.entry().Name, Status: s.machine.phase.String(), Reason: s.machine.reason,
			RetryIn: s.machine.retryIn(s.opts.Now()),
		}
	}
	s.stats.calls++
	select {
	case i.tokens <- struct{}{}:
	default:
		s.stats.failures++
		return nil, &CallError{Plugin: s.entry().Name, Method: method, Kind: ErrBusy, Detail: fmt.Sprintf("%d; it is called faster than it answers", maxCalls)}
	}
	group(i).Add(1)
	return i, nil
}

// guarded turns a panic of f, which is code of the host, into a failed call.
func (s *slot) guarded(method string, f func() error) error {
	err := guard.Call(f)
	if caught, ok := err.(*guard.PanicError); ok {
		err = &CallError{Plugin: s.entry().Name, Method: method, Kind: ErrFailed, Detail: plaintext.Clean(caught.Error(), detailLength)}
		s.opts.Log(mesh.LevelError, s.entry().Name, err.Error())
	}
	return err
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
			return &CallError{Plugin: s.entry().Name, Method: method, Kind: ErrUnavailable, Detail: why}
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
	return callError(s.entry().Name, method, err)
}
