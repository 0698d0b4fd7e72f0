package catalog

import (
	"context"
	"sync"
	"sync/atomic"
)

// idleWorkers is how many goroutines wait for the next call to a process.
const idleWorkers = 4

// workers run the calls to a process. A few stay for the next: the stack of a new goroutine grows
// several times in a call, which takes longer than all else that the host does for it.
type workers struct {
	ctx   context.Context // ends those that wait
	next  chan func()
	spare atomic.Int64 // how many wait
	all   sync.WaitGroup
}

func newWorkers(ctx context.Context) *workers {
	return &workers{ctx: ctx, next: make(chan func())}
}

// run has a goroutine of its own call f, at once.
func (w *workers) run(f func()) {
	select {
	case w.next <- f:
	default:
		w.all.Go(func() { w.work(f) })
	}
}

// work calls f, and after it what run is given.
func (w *workers) work(f func()) {
	for {
		f()
		if w.spare.Add(1) > idleWorkers {
			w.spare.Add(-1)
			return
		}
		select {
		case f = <-w.next:
			w.spare.Add(-1)
		case <-w.ctx.Done():
			return
		}
	}
}

// wait returns once ctx and all that was run have ended.
func (w *workers) wait() { w.all.Wait() }
