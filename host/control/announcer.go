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
	// DrainDeadline is how long a drain lasts for which the snapshot has no deadline.
	DrainDeadline time.Duration
	// Report takes failures for records; it must not wait.
	Report func(source, reason string)
	Log    *slog.Logger
}

// Announcer tells every sink. It is safe for concurrent use, and only WaitDelivered and
// Shutdown wait for a sink.
type Announcer struct {
	opts Options
	ctx  context.Context // of the sinks' goroutines; ends with Close
	end  context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	stance Stance
	shown  mesh.ActionID // the newest action that a followed snapshot shows
	newer  chan struct{} // closed when a newer one is shown
	sinks  []*attachedSink
	ending bool
}

// New makes an Announcer without sinks. Its owner must call Shutdown or Close.
func New(o Options) *Announcer {
	a := &Announcer{opts: o, newer: make(chan struct{})}
	a.ctx, a.end = context.WithCancel(context.Background())
	return a
}

// Add adds a sink, which first gets the events that describe the present state. remove
// removes it again, and does not wait for a delivery that is under way. After Shutdown
// or Close nothing is added.
func (a *Announcer) Add(sink Sink) (remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending {
		return func() {}
	}
	ctx, cancel := context.WithCancel(a.ctx)
	s := &attachedSink{sink: sink, queue: newQueue(), ended: make(chan struct{}), report: a.opts.Report, log: a.opts.Log}
	a.sinks = append(a.sinks, s)
	a.all.Go(func() { s.run(ctx, a.catchUp) })
	return func() {
		cancel()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sinks = slices.DeleteFunc(a.sinks, func(other *attachedSink) bool { return other == s })
	}
}

// catchUp queues the events that describe the present state, for one sink. The lock
// keeps changes from coming in between.
func (a *Announcer) catchUp(q *queue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ending {
		q.put(a.stance.Present()...)
	}
}

// Follow tells what is new in each snapshot, until ctx ends or no newer ones come.
func (a *Announcer) Follow(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		a.observe(s.Maintenance, s.Now)
		a.noteShown(s.Emitted)
	}
}

// observe tells what is new in the node's maintenance.
func (a *Announcer) observe(m snapshot.Maintenance, now mesh.Time) {
	left := a.opts.DrainDeadline
	if until := m.Deadline.Until(now); until != nil {
		left = *until
	}
	deadline := time.Now().Add(left)
	a.update(func(s *Stance) {
		s.Phase, s.Draining, s.Cordoned, s.Deadline = m.Phase, m.Draining, m.Cordoned, deadline
	})
}

// noteShown notes which actions a snapshot shows, after its events were queued.
func (a *Announcer) noteShown(emitted []mesh.Emitted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(emitted); n > 0 && emitted[n-1].ID > a.shown {
		a.shown = emitted[n-1].ID
		close(a.newer)
		a.newer = make(chan struct{})
	}
}

// WaitDelivered waits until all sinks got what led to an action, so that daemons hear of
// a drain before it stops them, or until ctx ends. Without sinks it does not wait.
func (a *Announcer) WaitDelivered(ctx context.Context, action mesh.ActionID) {
	for {
		a.mu.Lock()
		shown, newer, sinks := a.shown >= action, a.newer, slices.Clone(a.sinks)
		a.mu.Unlock()
		switch {
		case len(sinks) == 0:
			return
		case shown:
			for _, s := range sinks {
				select {
				case <-s.queue.allDelivered():
				case <-s.ended:
				case <-ctx.Done():
					return
				}
			}
			return
		}
		select {
		case <-newer:
		case <-a.ctx.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// Backpressure tells that too much waits, with a level of 0 … 1, or that it no longer
// does.
func (a *Announcer) Backpressure(on bool, level float64) {
	a.update(func(s *Stance) { s.Pressed, s.Level = on, float32(level) })
}

// update changes the stance and tells every sink what is new in it.
func (a *Announcer) update(f func(*Stance)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.stance
	f(&a.stance)
	a.tell(a.stance.Since(before)...)
}

// tell queues events for every sink. The lock is held.
func (a *Announcer) tell(events ...Event) {
	if len(events) == 0 || a.ending {
		return
	}
	for _, s := range a.sinks {
		s.queue.put(events...)
	}
}

// Shutdown tells every sink that the node ends what runs on it and how long that may
// take, waits until all have got it or ctx ends, and closes.
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

// Close ends everything without telling anything more. No goroutine is left when it
// returns. It may be called more than once.
func (a *Announcer) Close() {
	a.mu.Lock()
	a.ending = true
	a.mu.Unlock()
	a.end()
	a.all.Wait()
}
