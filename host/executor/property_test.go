package executor_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// watcher is a dispatcher that behaves in any way, and checks the executor's promises.
type watcher struct {
	workers int
	now     func() mesh.Time
	timeout time.Duration
	does    func(e mesh.Emitted) behaviour

	mu     sync.Mutex
	under  map[string]context.Context       // what has not returned, by subject
	newest map[mesh.ActionKey]mesh.ActionID // of a key, that was ever begun
	tries  map[mesh.ActionID]int
	over   map[mesh.ActionID]bool // the final outcome came
	wrong  []string
}

// behaviour is what a dispatch does.
type behaviour struct {
	takes  time.Duration
	heeds  bool // the end of its context
	panics bool
	err    error
}

func (w *watcher) Dispatch(ctx context.Context, e mesh.Emitted) error {
	does := w.begin(ctx, e)
	defer w.end(e)
	timer := time.NewTimer(does.takes)
	defer timer.Stop()
	heeded := ctx.Done()
	if !does.heeds {
		heeded = nil
	}
	select {
	case <-timer.C:
	case <-heeded:
		return ctx.Err()
	}
	if does.panics {
		panic("boom")
	}
	return does.err
}

func (w *watcher) begin(ctx context.Context, e mesh.Emitted) behaviour {
	w.mu.Lock()
	defer w.mu.Unlock()
	on, key := subjectOf(e.Action), e.Action.Key()
	if _, busy := w.under[on]; busy {
		w.complain("two dispatches on " + on)
	}
	w.under[on] = ctx
	working := 0
	for _, ctx := range w.under {
		if ctx.Err() == nil { // else it was abandoned, and occupies no worker
			working++
		}
	}
	if working > w.workers {
		w.complain("more dispatches than workers")
	}
	if w.newest[key] > e.ID {
		w.complain("an older action of a key after a newer one")
	}
	w.newest[key] = e.ID
	if w.over[e.ID] {
		w.complain("a dispatch after the final outcome")
	}
	w.tries[e.ID]++
	return w.does(e)
}

func (w *watcher) end(e mesh.Emitted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.under, subjectOf(e.Action))
}

// Outcome implements executor.Outcomes.
func (w *watcher) Outcome(_ context.Context, o mesh.Outcome) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over[o.ID] {
		w.complain("an outcome after the final one")
	}
	w.over[o.ID] = o.Final
	return nil
}

func (w *watcher) complain(what string) { w.wrong = append(w.wrong, what) }

func subjectOf(a mesh.Action) string {
	switch a.(type) {
	case mesh.StartDaemon, mesh.StopDaemon, mesh.ApplyBackoff:
		return "daemon " + string(rune('0'+a.Key().Subject))
	}
	return "chain " + string(rune('0'+a.Key().Subject))
}

// Whatever is asked for and however dispatches behave: never two of one lane at once,
// never more than there are workers, those of a key in order, no more tries than
// MaxDefers allows, and exactly one final outcome each, also at the end.
func TestB4_Promises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) { promises(rt) })
	})
}

func promises(t *rapid.T) {
	begun := time.Now()
	w := &watcher{
		workers: rapid.IntRange(1, 3).Draw(t, "workers"), timeout: 10 * time.Second,
		now:   func() mesh.Time { return mesh.Time(time.Since(begun)) },
		under: make(map[string]context.Context), newest: make(map[mesh.ActionKey]mesh.ActionID),
		tries: make(map[mesh.ActionID]int), over: make(map[mesh.ActionID]bool),
	}
	behaviours := rapid.SliceOfN(rapid.Custom(drawBehaviour), 1, 8).Draw(t, "behaviours")
	w.does = func(e mesh.Emitted) behaviour {
		return behaviours[(int(e.ID)+w.tries[e.ID])%len(behaviours)]
	}
	maxDefers := rapid.IntRange(0, 4).Draw(t, "max defers")
	ex := executor.New(executor.Options{
		Dispatcher: w, Outcomes: w, Now: w.now, Timeout: w.timeout,
		Admission: executor.Admission{
			PullCooldown: 250 * time.Millisecond, Stabilization: 5 * time.Second, DrainRate: 2,
			BackpressureHigh: 8, BackpressureLow: 2, MaxDefers: maxDefers, Workers: w.workers,
		},
		StillWanted:  func(a mesh.Action) bool { return a.Key().Subject != 3 },
		Backpressure: alternating(w),
	})
	actions := make(chan mesh.Emitted, rapid.SampledFrom([]int{0, 1, 4, 64}).Draw(t, "queue"))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- ex.Run(ctx, actions) }()

	emitted := mesh.ActionID(rapid.IntRange(1, 40).Draw(t, "actions"))
	for id := mesh.ActionID(1); id <= emitted; id++ {
		time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 10, 300, 3000}).Draw(t, "gap ms")) * time.Millisecond)
		actions <- mesh.Emitted{ID: id, Action: rapid.Custom(drawAction).Draw(t, "action"), At: w.now()}
	}
	time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 100, 5000, 120000}).Draw(t, "rest ms")) * time.Millisecond)
	closed := rapid.Bool().Draw(t, "close")
	if closed {
		close(actions)
	} else {
		stop()
	}
	end := time.Now()
	<-ended
	// That the queue is closed is seen only when all actions in it were taken.
	if took := time.Since(end); took > 5*time.Second && !(closed && cap(actions) < int(emitted)) {
		t.Errorf("the end took %v", took)
	}
	time.Sleep(time.Minute) // until abandoned dispatches have returned
	synctest.Wait()

	w.mu.Lock()
	defer w.mu.Unlock()
	for _, what := range w.wrong {
		t.Error(what)
	}
	finals := uint64(0)
	for id := mesh.ActionID(1); id <= emitted; id++ {
		if !w.over[id] {
			t.Errorf("action %d had no final outcome", id)
		}
		finals++
		if w.tries[id] > maxDefers+1 {
			t.Errorf("action %d was tried %d times, %d defers are allowed", id, w.tries[id], maxDefers)
		}
	}
	c := ex.Counters()
	if sum := c.Dispatched + c.Failed + c.Gated + c.Withdrawn; sum != finals || c.Waiting != 0 || c.Undelivered != 0 {
		t.Errorf("%d actions ended, counters: %+v", finals, c)
	}
}

func drawBehaviour(t *rapid.T) behaviour {
	b := behaviour{
		takes:  time.Duration(rapid.SampledFrom([]int{0, 1, 500, 4000, 9999, 10000, 30000}).Draw(t, "takes ms")) * time.Millisecond,
		heeds:  rapid.IntRange(0, 3).Draw(t, "heeds") > 0,
		panics: rapid.IntRange(0, 9).Draw(t, "panics") == 0,
	}
	switch rapid.IntRange(0, 3).Draw(t, "ends") {
	case 0:
		b.err = errNo
	case 1:
		b.err = later(time.Duration(rapid.IntRange(1, 8000).Draw(t, "retry ms")) * time.Millisecond)
	}
	return b
}

func drawAction(t *rapid.T) mesh.Action {
	id := uint64(rapid.IntRange(1, 3).Draw(t, "subject"))
	ref := mesh.DaemonRef{ID: mesh.DaemonID(id)}
	return rapid.SampledFrom([]mesh.Action{
		mesh.StartDaemon{Daemon: ref},
		mesh.StopDaemon{Daemon: ref},
		mesh.ApplyBackoff{Daemon: ref, Until: mesh.Time(20 * time.Second)},
		pull(mesh.ChainID(id)), drop(mesh.ChainID(id)),
		mesh.RequestPlacement{Chain: mesh.ChainID(id)},
	}).Draw(t, "kind")
}

// alternating complains unless every change is the opposite of the one before.
func alternating(w *watcher) func(bool, float64) {
	was := false
	return func(on bool, level float64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if on == was || on && level != 1 || !on && level != 0 {
			w.complain("a call of Backpressure without a change")
		}
		was = on
	}
}
