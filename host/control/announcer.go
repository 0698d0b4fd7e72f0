package control

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Options is what an Announcer works with.
type Options struct {
	// DrainDeadline is how long a drain lasts of which the snapshot says no deadline.
	DrainDeadline time.Duration
	// Report takes what belongs into a failure record; it must not wait.
	Report func(source, reason string)
	Log    *slog.Logger
}

// Announcer tells every sink. Its methods are safe for concurrent use, and none of
// them waits for a sink but WaitDelivered and Shutdown.
type Announcer struct {
	opts Options
	ctx  context.Context // of the sinks' goroutines; ends with Close
	end  context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	stance Stance
	shown  mesh.ActionID // the newest action that a followed snapshot shows
	news   chan struct{} // closed when there is a newer one
	sinks  []*attached
	ending bool
}

// New makes an Announcer without sinks. Its owner must call Shutdown or Close.
func New(o Options) *Announcer {
	a := &Announcer{opts: o, news: make(chan struct{})}
	a.ctx, a.end = context.WithCancel(context.Background())
	return a
}

// Add adds a sink and tells it how things stand. remove takes it away again, and
// does not wait for a delivery that is under way. After the end a sink is not added
// any more.
func (a *Announcer) Add(sink Sink) (remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending {
		return func() {}
	}
	ctx, cancel := context.WithCancel(a.ctx)
	s := &attached{sink: sink, queue: newQueue(), ended: make(chan struct{}), report: a.opts.Report, log: a.opts.Log}
	a.sinks = append(a.sinks, s)
	a.all.Go(func() { s.run(ctx, a.catchUp) })
	return func() {
		cancel()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sinks = slices.DeleteFunc(a.sinks, func(other *attached) bool { return other == s })
	}
}

// catchUp tells one sink how things stand. No change can get between the look and
// the telling.
func (a *Announcer) catchUp(q *queue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ending {
		q.put(a.stance.Present()...)
	}
}

// Follow tells of what each snapshot shows to be new, until ctx ends or no newer ones
// come.
func (a *Announcer) Follow(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		a.See(s.Maintenance)
		a.showed(s.Emitted)
	}
}

// showed notes which actions were seen together with what there was to tell.
func (a *Announcer) showed(emitted []snapshot.Emitted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(emitted); n > 0 && emitted[n-1].ID > a.shown {
		a.shown = emitted[n-1].ID
		close(a.news)
		a.news = make(chan struct{})
	}
}

// WaitDelivered waits until all sinks were told of what led to an action, so that daemons
// hear of a drain before it stops them, or until ctx ends. Without sinks it does not
// wait.
func (a *Announcer) WaitDelivered(ctx context.Context, action mesh.ActionID) {
	for {
		a.mu.Lock()
		shown, news, sinks := a.shown >= action, a.news, slices.Clone(a.sinks)
		a.mu.Unlock()
		switch {
		case len(sinks) == 0:
			return
		case shown:
			for _, s := range sinks {
				select {
				case <-s.queue.allTold():
				case <-s.ended:
				case <-ctx.Done():
					return
				}
			}
			return
		}
		select {
		case <-news:
		case <-a.ctx.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// See tells of what is new about the node's maintenance.
func (a *Announcer) See(m snapshot.Maintenance) {
	left := a.opts.DrainDeadline
	if m.Deadline != nil {
		left = *m.Deadline
	}
	deadline := time.Now().Add(left)
	a.change(func(s *Stance) {
		s.Phase, s.Draining, s.Cordoned, s.Deadline = m.Phase, m.Draining, m.Cordoned, deadline
	})
}

// Backpressure tells that too much is waiting, with a level of 0 … 1, or that it
// is over.
func (a *Announcer) Backpressure(on bool, level float64) {
	a.change(func(s *Stance) { s.Pressed, s.Level = on, float32(level) })
}

// change makes another stance and tells everybody what is new about it.
func (a *Announcer) change(f func(*Stance)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.stance
	f(&a.stance)
	a.tell(a.stance.Since(before)...)
}

// tell is called with mu held.
func (a *Announcer) tell(events ...Event) {
	if len(events) == 0 || a.ending {
		return
	}
	for _, s := range a.sinks {
		s.queue.put(events...)
	}
}

// Shutdown tells everybody that the node ends what runs on it and how long that has
// left, waits until they know, or ctx ends, and closes.
func (a *Announcer) Shutdown(ctx context.Context, grace time.Duration) {
	a.mu.Lock()
	a.tell(Event{Kind: Shutdown, Deadline: time.Now().Add(grace)})
	a.ending = true
	sinks := slices.Clone(a.sinks)
	a.mu.Unlock()
	for _, s := range sinks {
		select {
		case <-s.ended:
		case <-ctx.Done():
		}
	}
	a.Close()
}

// Close ends everything without a word: nothing is told after it, and no goroutine
// is left when it returns. It may be called more than once.
func (a *Announcer) Close() {
	a.mu.Lock()
	a.ending = true
	a.mu.Unlock()
	a.end()
	a.all.Wait()
}
