package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/guard"
)

// call is one dispatch under way.
type call struct {
	*item
	deadline mesh.Time
	begun    time.Time
	cancel   context.CancelFunc
	done     chan error // buffered for the one result, so that the goroutine can always end
}

// begin dispatches an action in a goroutine of its own, so that one that does not
// return costs no more than its deadline. When the call is over, returned gets a token
// if it has none yet.
func begin(ctx context.Context, o Options, it *item, left time.Duration, returned chan<- struct{}) *call {
	ctx, cancel := context.WithTimeout(ctx, left)
	c := &call{
		item: it, deadline: o.Now().Add(left), begun: time.Now(),
		cancel: cancel, done: make(chan error, 1),
	}
	a := it.action // a copy: the item belongs to the executor, and the goroutine may outlive it
	go func() {
		c.done <- dispatch(ctx, o, a)
		select {
		case returned <- struct{}{}:
		default:
		}
	}()
	return c
}

// dispatch calls the dispatcher. A panic is an error, and its stack goes to the log.
func dispatch(ctx context.Context, o Options, a mesh.Emitted) error {
	err := guard.Call(func() error { return o.Dispatcher.Dispatch(ctx, a) })
	if p := (*guard.PanicError)(nil); errors.As(err, &p) {
		o.Log.Error("a dispatcher panicked", "action", a.ID, "kind", a.Action.Kind(), "panic", p.Value, "stack", string(p.Stack))
		return fmt.Errorf("the dispatcher of %s %w", a.Action.Kind(), err)
	}
	return err
}

// returned reports whether the dispatch is over.
func (c *call) returned() bool { return len(c.done) > 0 }

// took returns how long ago it was begun.
func (c *call) took() time.Duration { return time.Since(c.begun) }

// callHook calls one of the functions in Options. A panic in it is only logged.
func callHook(log *slog.Logger, name string, f func()) {
	err := guard.Call(func() error { f(); return nil })
	if p := (*guard.PanicError)(nil); errors.As(err, &p) {
		log.Error(name+" panicked", "panic", p.Value, "stack", string(p.Stack))
	}
}
