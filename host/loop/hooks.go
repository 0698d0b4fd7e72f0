package loop

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/guard"
)

// Hooks are the callbacks of a running loop; each may be nil. All of them are called
// on the goroutine that called Run, one at a time and never before Run began or after
// it returned. The loop stands still meanwhile, so they must be fast and must not
// wait for the loop. A panic in one becomes a failure record.
type Hooks struct {
	// Decorate adds to a snapshot what the core does not know (plugins, the
	// executor's counters) before it is published.
	Decorate func(*snapshot.Snapshot)
	// OnTick is called after each regular tick with how long it took, from the fold of the
	// samples to the published snapshot.
	OnTick func(took time.Duration)
	// Recorder receives everything that is folded.
	Recorder Recorder
}

// Recorder receives everything that the core is about to fold, in order, so that it
// can be folded again. After a panic it is not called any more: what it has then is
// incomplete.
type Recorder interface {
	// Input receives an input, which it must not change. The lists in it are valid until it
	// returns.
	Input(at mesh.Stamp, in mesh.Input)
	// Tick receives a tick, how many actions it may hand out at most, which are the free
	// places of the action queue, and whether it is an early one.
	Tick(at mesh.Stamp, free int, early bool)
}

// callHook calls a hook that is called at every tick. A panic in it becomes a failure
// record, one for each streak of panics.
func (l *Loop) callHook(at mesh.Stamp, name string, s *streak, fn func()) {
	err := guard.Call(func() error { fn(); return nil })
	if err == nil {
		s.ended()
		return
	}
	if s.failed(err.Error()) {
		l.apply(at, mesh.FailureReport{Source: "hook:" + name, Reason: err.Error()})
	}
}

// record calls the recorder, if there is one. One that panics is not called again.
func (l *Loop) record(at mesh.Stamp, call func(Recorder)) {
	recorder := l.hooks.Recorder
	if recorder == nil {
		return
	}
	err := guard.Call(func() error { call(recorder); return nil })
	if err != nil {
		l.hooks.Recorder = nil
		l.apply(at, mesh.FailureReport{Source: "hook:recorder", Reason: err.Error() + "; nothing is recorded any more"})
	}
}
