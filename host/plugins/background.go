package plugins

import (
	"context"
	"sync"
)

// background runs what outlives the call that asked for it, until it is closed.
type background interface {
	// start runs work in a goroutine of its own, until ctx ends. It returns false if the
	// background is closed.
	start(work func(ctx context.Context)) (started bool)
}

// tasks is a background with an owner, who closes it.
type tasks struct {
	ctx context.Context // of all tasks
	end context.CancelFunc

	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func newTasks() *tasks {
	t := &tasks{}
	t.ctx, t.end = context.WithCancel(context.Background())
	return t
}

// start implements background.
func (t *tasks) start(work func(ctx context.Context)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.all.Go(func() { work(t.ctx) })
	return true
}

// close ends all tasks and waits for them. After it start does nothing.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.end()
	t.all.Wait()
}
