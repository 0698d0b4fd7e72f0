package executor

import (
	"context"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// End is what became of an action, in one word.
type End string

// The ends of actions.
const (
	Dispatched End = "dispatched" // it was carried out
	Failed     End = "failed"
	Gated      End = "gated"     // it was refused, and may come again later
	Withdrawn  End = "withdrawn" // nobody waits for it any more
)

// Options are what an Executor works with.
type Options struct {
	Dispatcher Dispatcher
	Outcomes   Outcomes
	// Now is the loop's clock, the one of mesh.Emitted.At.
	Now func() mesh.Time
	// Timeout is how long one dispatch may take, and how long the core waits without
	// hearing of an action. 0 is one minute.
	Timeout time.Duration
	// Admission says how fast actions may leave. The zero value as a whole is
	// DefaultAdmission.
	Admission Admission
	// Grace is how long what is left may take when the node ends. 0 is 5 s.
	Grace time.Duration
	// StillWanted, if set, is asked before an action is begun that was put off or had
	// to wait, since its reason may be gone. One that is not wanted any more ends with
	// mesh.ReasonNotWanted. It is called from one goroutine, must not block, and says
	// true when it does not know; a panic counts as true.
	StillWanted func(mesh.Action) bool
	// Backpressure, if set, hears when too much is waiting (on, with a level of 0 … 1)
	// and when that is over (off, level 0): once per change, in order, in a goroutine
	// of its own. Changes that cancel out while it is busy are left out.
	Backpressure func(on bool, level float64)
	// Observe, if set, hears of every final outcome: the kind of action, what became
	// of it, and how long its last dispatch took (0: it was not begun). It is called
	// from one goroutine and must not block.
	Observe func(kind string, end End, took time.Duration)
	// Log, if set, hears what no record can carry: stacks, outcomes nobody took.
	Log *slog.Logger
}

// Admission says how fast actions may leave, and how patient the executor is.
type Admission struct {
	PullCooldown  time.Duration // from one pull to the next, of any chain
	Stabilization time.Duration // a chain is left alone after a pull or drop of it
	DrainRate     int           // blobs sent on their way within a second
	// BackpressureHigh and Low are how many actions wait or are under way when
	// backpressure goes on, and off again.
	BackpressureHigh, BackpressureLow int
	// MaxDefers is how often one action may be put off, whether by a gate or by a
	// dispatcher that wants it tried again later; 0 is never. Waiting for the pull
	// slot does not count.
	MaxDefers int
	// Workers is how many dispatches may be under way at once; at least 1.
	Workers int
}

// DefaultAdmission is what the configuration says when it says nothing.
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

// withDefaults fills in what was left out.
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
	if o.Observe == nil {
		o.Observe = func(string, End, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// What is left at the end gets Options.Grace, counted from the end of the node's
// context: most of it to be worked off, the rest for dispatches to heed the end of
// their contexts and for outcomes to be taken.
func (o Options) work() time.Duration { return o.Grace * 8 / 10 } // then the contexts of dispatches end
func (o Options) late() time.Duration { return o.Grace / 10 }     // and they have this long to return
func (o Options) tell() time.Duration { return o.Grace }          // then nobody waits for outcomes to be taken

// unheard is how long an action may have waited and still be begun without a word
// to the core, so that what the core waits for and the deadline stay together.
func (o Options) unheard() time.Duration { return min(time.Second, o.Timeout/8) }

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
