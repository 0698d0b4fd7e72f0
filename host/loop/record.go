package loop

import "github.com/meshos/meshos/host/mesh"

// Recorder is told of everything that the core is about to fold, in order, so that
// it can be folded again. It is called on the loop's goroutine and must not block.
// One that panics is told no more: what it has then is not whole.
type Recorder interface {
	// Input is told of an input, which it must not change.
	Input(at mesh.Stamp, in mesh.Input)
	// Tick is told of a tick, and how many actions there is room for.
	Tick(at mesh.Stamp, room int)
}

// record tells the recorder, if there is one.
func (l *Loop) record(at mesh.Stamp, tell func(Recorder)) {
	recorder := l.recorder
	if recorder == nil {
		return
	}
	err := guarded(func() error { tell(recorder); return nil })
	if err != nil {
		l.recorder = nil
		l.apply(at, mesh.FailureReport{Source: "hook:recorder", Reason: err.Error() + "; nothing is recorded any more"})
	}
}
