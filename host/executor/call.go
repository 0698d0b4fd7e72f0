package executor

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// call is one dispatch under way.
type call struct {
	*item
	deadline mesh.Time
	begun    time.Time
	cancel   context.CancelFunc
	done     chan error // has room for the one result, so that the call can always end
}

// begin dispatches an action in a goroutine of its own, so that one which does
// not return costs no more than its deadline. A word on returned says that some
// call is over.
func begin(ctx context.Context, o Options, it *item, left time.Duration, returned chan<- struct{}) *call {
	ctx, cancel := context.WithTimeout(ctx, left)
	c := &call{
		item: it, deadline: o.Now().Add(left), begun: time.Now(),
		cancel: cancel, done: make(chan error, 1),
	}
	a := it.action // the item is the executor's, the goroutine may outlive it
	go func() {
		c.done <- dispatch(ctx, o, a)
		select {
		case returned <- struct{}{}:
		default: // somebody said so already
		}
	}()
	return c
}

// dispatch makes a panic an error.
func dispatch(ctx context.Context, o Options, a mesh.Emitted) (err error) {
	defer func() {
		if v := recover(); v != nil {
			o.Log.Error("a dispatcher panicked", "action", a.ID, "kind", a.Action.Kind(), "panic", v, "stack", string(debug.Stack()))
			err = &PanicError{Kind: a.Action.Kind(), Value: v}
		}
	}()
	return o.Dispatcher.Dispatch(ctx, a)
}

// returned says whether the dispatch is over.
func (c *call) returned() bool { return len(c.done) > 0 }

// took is how long it has been since it was begun.
func (c *call) took() time.Duration { return time.Since(c.begun) }
