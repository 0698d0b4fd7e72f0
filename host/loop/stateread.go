package loop

import (
	"context"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/guard"
)

// readPause bounds what state reads cost: after one that took some time, the next is
// served no sooner than readPause times as long after it. So all of them together take
// a tenth of the loop's time, however many there are.
const readPause = 9

// ReadState shows the state of the node to visit, on the loop's goroutine and between
// two inputs, so that all that visit sees belongs together. The loop stands still
// meanwhile, so visit must be quick. It must not change the state, nor keep any of it.
// Reads are served one at a time, in the order in which they were requested.
//
// ReadState waits for its turn until ctx is done; once visit began, it waits for its
// end. A panic in visit is returned as an error. After the loop's end the error is
// ErrLoopClosed.
func (f Feed) ReadState(ctx context.Context, visit func(*state.State)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read the state: %w", context.Cause(ctx))
	}
	if err := f.reads.request(ctx, visit); err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	return nil
}

// stateReads passes requests to read the state to the loop's goroutine, and serves
// them there.
type stateReads struct {
	core     core
	requests chan readRequest // unbuffered: a successful send means that the loop serves the request now
	ended    chan struct{}

	// Used by the loop's goroutine only.
	from  time.Time   // when the next request may be served
	timer *time.Timer // fires then, so that an idle loop serves it
}

// readRequest is one call of ReadState.
type readRequest struct {
	visit func(*state.State)
	done  chan error
}

func newStateReads(c core) *stateReads {
	s := &stateReads{core: c, requests: make(chan readRequest), ended: make(chan struct{}), timer: time.NewTimer(0)}
	s.timer.Stop()
	return s
}

// request has the loop call visit, and waits for that.
func (s *stateReads) request(ctx context.Context, visit func(*state.State)) error {
	r := readRequest{visit: visit, done: make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.done
	case <-s.ended:
		return ErrLoopClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next returns the channel of the next request, or nil while it is too early for one.
func (s *stateReads) next(now time.Time) <-chan readRequest {
	if now.Before(s.from) {
		return nil
	}
	return s.requests
}

// serveNext serves one request if there is one and it is not too early for it.
func (s *stateReads) serveNext(now time.Time) {
	select {
	case r := <-s.next(now):
		s.serve(r)
	default:
	}
}

func (s *stateReads) serve(r readRequest) {
	began := time.Now()
	err := guard.Call(func() error {
		s.core.Read(r.visit)
		return nil
	})
	end := time.Now()
	pause := readPause * end.Sub(began)
	s.from = end.Add(pause)
	s.timer.Reset(pause)
	r.done <- err
}

func (s *stateReads) close() {
	s.timer.Stop()
	close(s.ended)
}
