package pluginsdk

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of a call to an author's code. It ends with the caller's, at the
// deadline, when the instance gives up its calls, and when the call has returned. Most calls
// answer with what they have at hand and never look: only Done sets a timer.
type callContext struct {
	caller   context.Context
	deadline time.Time       // zero for none
	instance context.Context // ends when the instance gives up its calls; nil for none

	mu     sync.Mutex
	ended  bool
	real   context.Context // nil until it is needed
	cancel func()
}

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) {
	deadline, ok := c.caller.Deadline()
	if c.deadline.IsZero() || ok && deadline.Before(c.deadline) {
		return deadline, ok
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} { return c.needed().Done() }

// Err implements context.Context.
func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.real != nil:
		return c.real.Err()
	case c.ended, c.instance != nil && c.instance.Err() != nil:
		return context.Canceled
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	}
	return c.caller.Err()
}

// Value implements context.Context. Package context finds by it what it derives others from.
func (c *callContext) Value(key any) any {
	c.mu.Lock()
	ctx := c.real
	c.mu.Unlock()
	if ctx == nil {
		ctx = c.caller
	}
	return ctx.Value(key)
}

// needed returns a context of package context that ends with this one.
func (c *callContext) needed() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real != nil {
		return c.real
	}
	ctx, cancel := context.WithCancel(c.caller)
	if !c.deadline.IsZero() {
		cancel()
		ctx, cancel = context.WithDeadline(c.caller, c.deadline)
	}
	forget := func() bool { return true }
	if c.instance != nil {
		forget = context.AfterFunc(c.instance, cancel)
	}
	c.real, c.cancel = ctx, func() { cancel(); forget() }
	if c.ended {
		c.cancel()
	}
	return c.real
}

// end ends the context: the call has returned.
func (c *callContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}
