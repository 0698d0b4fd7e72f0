package executor

import (
	"context"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Options are what an Executor works with.
type Options struct {
	Dispatcher Dispatcher
	Outcomes   Outcomes
	// Now is the loop's clock, the one of mesh.Emitted.At.
	Now func() mesh.Time
	// Timeout is how long after being handed out an action may be under way; the
	// core stops waiting for its outcome then as well. 0 is one minute.
	Timeout time.Duration
	// Observe, if set, hears of every final outcome: the kind of action, whether it
	// was carried out, and how long its dispatch took (0: it was not begun). It is
	// called from one goroutine and must not block.
	Observe func(kind string, ok bool, took time.Duration)
	// Log, if set, hears what no record can carry: stacks, outcomes nobody took.
	Log *slog.Logger
}

// Executor carries out actions. Make one with New and Run it once.
type Executor struct {
	opts     Options
	counters counters
}

// New gives an Executor that does nothing until Run.
func New(o Options) *Executor {
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Observe == nil {
		o.Observe = func(string, bool, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Executor{opts: o}
}

// Run carries out what comes from actions until that is closed or ctx ends. What
// is left then is answered as failed; the dispatch under way may still end. Run
// returns within 5 s of the end, with nil, or with a *LeftBehindError when a
// dispatch ignores the end of its context. Nobody answers what the loop hands out
// after Run returned, so end the loop first.
//
// Run takes actions ahead of their turn, as many as the queue holds, to see the
// end of the queue also while a dispatch is under way.
func (e *Executor) Run(ctx context.Context, actions <-chan mesh.Emitted) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	work, stopWork := linger(ctx, shutdownWork)
	defer stopWork()
	tell, stopTell := linger(ctx, shutdownTell)
	defer stopTell()

	r := &run{e: e, ctx: ctx, work: work, tell: tell, stuck: make(map[lane]*call)}
	if open := r.carryOut(actions); !open {
		actions = nil
	}
	end()
	return r.shutdown(actions)
}

// linger gives a context that ends d after ctx did. Call the function in the end.
func linger(ctx context.Context, d time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
