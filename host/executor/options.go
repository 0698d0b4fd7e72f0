package executor

import (
	"context"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// End is how an action ended, in one word.
type End string

// The ends of actions.
const (
	Dispatched End = "dispatched" // it was carried out
	Failed     End = "failed"
	Gated      End = "gated"     // a gate was closed; the core may ask again later
	Withdrawn  End = "withdrawn" // it is not wanted any more
)

// Options are what an Executor works with. Dispatcher, Outcomes and Now are required.
type Options struct {
	Dispatcher Dispatcher
	Outcomes   Outcomes
	// Now reads the loop's clock, the one of mesh.Emitted.At.
	Now func() mesh.Time
	// Timeout is how long one dispatch may take, and how long the core waits for an
	// action of which it hears nothing. 0 is one minute.
	Timeout time.Duration
	// Admission limits how fast actions are begun. The zero value as a whole is
	// DefaultAdmission.
	Admission Admission
	// Grace is how long what is left may take when the node ends. 0 is 5 s.
	Grace time.Duration
	// StillWanted, if set, reports whether an action still has a reason. It is called
	// before an action is begun that was deferred or had to wait. One that is not wanted
	// any more ends with mesh.ReasonNotWanted. It is called from one goroutine, must
	// not block, and returns true when it does not know; a panic counts as true.
	StillWanted func(mesh.Action) bool
	// Progress, if set, returns a figure that changes while what an action began advances, and
	// whether that is under way. It is called from one goroutine and must not block.
	Progress func(mesh.Action) (figure uint64, underWay bool)
	// Backpressure, if set, is called when too much waits (on, with a level of 0 … 1)
	// and when that is over (off, level 0): once per change, in order, in a goroutine
	// of its own. Changes that cancel out while a call is out are skipped.
	Backpressure func(on bool, level float64)
	// Observe, if set, is called with every final outcome: the kind of action, how it
	// ended, and how long its last dispatch took (0 if it was not begun). It is called
	// from one goroutine and must not block.
	Observe func(kind string, end End, took time.Duration)
	// Log, if set, gets what does not fit into records: stacks of panics, and outcomes
	// that were not taken.
	Log *slog.Logger
}

// Admission limits how fast actions are begun, and how often they are deferred.
type Admission struct {
	PullCooldown  time.Duration // from one pull to the next, of any chain
	Stabilization time.Duration // from a pull or drop of a chain to the next one of it
	DrainRate     int           // blobs whose migration is begun within a second
	// BackpressureHigh and BackpressureLow are how many actions wait or are under way
	// when backpressure goes on, and off again.
	BackpressureHigh, BackpressureLow int
	// MaxDefers is how often one action may be deferred, by gates and by dispatchers
	// that want it tried again later together; 0 is never. Waiting for the pull slot
	// does not count.
	MaxDefers int
	// Workers is how many dispatches may be under way at once; at least 1.
	Workers int
}

// DefaultAdmission returns the defaults of the configuration.
func DefaultAdmission() Admission {
	return Admission{
		PullCooldown:     250 * time.Millisecond,
		Stabilization:    time.Minute,
		DrainRate:        10,
		BackpressureHigh: 1000,
		BackpressureLow:  200,
		MaxDefers:        16,
		Workers:          8,
	}
}

// withDefaults returns the options with defaults for what is not set.
func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Admission == (Admission{}) {
		o.Admission = DefaultAdmission()
	}
	o.Admission.Workers = max(1, o.Admission.Workers)
	o.Admission.BackpressureLow = min(o.Admission.BackpressureLow, o.Admission.BackpressureHigh-1)
	if o.StillWanted == nil {
		o.StillWanted = func(mesh.Action) bool { return true }
	}
	if o.Progress == nil {
		o.Progress = func(mesh.Action) (uint64, bool) { return 0, false }
	}
	if o.Observe == nil {
		o.Observe = func(string, End, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// dispatchGrace is how long after the end of the node's context the contexts of
// dispatches end: most of Grace, so that what is left may still be done.
func (o Options) dispatchGrace() time.Duration { return o.Grace * 8 / 10 }

// returnGrace is how long dispatches have to return after the end of their contexts,
// and after that the function for backpressure.
func (o Options) returnGrace() time.Duration { return o.Grace / 10 }

// outcomeGrace is how long after the end of the node's context outcomes are still sent.
func (o Options) outcomeGrace() time.Duration { return o.Grace }

// shortWait is how long an action may wait and still be begun without a report to the
// core: a small part of the time for which the core waits for its outcome.
func (o Options) shortWait() time.Duration { return min(time.Second, o.Timeout/8) }

// outlive returns a context that ends d after ctx did, and a function that ends it at
// once, to be called in any case.
func outlive(ctx context.Context, d time.Duration) (context.Context, func()) {
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
