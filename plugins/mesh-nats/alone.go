package main

import (
	"context"
	"sync"
)

// alone lets one of several calls run: a new one ends the one before. The zero value is ready.
type alone struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{}
}

// begin ends the call before and waits for it. The new call ends with the context that is
// returned, and calls end then.
func (a *alone) begin(ctx context.Context) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	a.mu.Lock()
	before, wait := a.cancel, a.done
	a.cancel, a.done = cancel, done
	a.mu.Unlock()
	if before != nil {
		before()
		<-wait
	}
	return ctx, func() {
		cancel()
		close(done)
	}
}
