package control

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Stance is what sinks are told of, as it stands now. The zero value is a node of which
// nothing is known, without backpressure.
type Stance struct {
	Phase    mesh.MaintenancePhase
	Draining bool // without leaving Active
	Cordoned bool
	Deadline time.Time // of entering maintenance, or of the drain
	Pressed  bool      // backpressure is on
	Level    float32   // of backpressure while it is on: 0 … 1
}

// Since returns the events for a change from before to s. There are none if only a
// deadline or a level changed.
func (s Stance) Since(before Stance) (out []Event) {
	switch {
	case s.Phase == mesh.PhaseEntering && s.Phase != before.Phase, s.Draining && !before.Draining:
		out = append(out, Event{Kind: DrainStart, Deadline: s.Deadline})
	case before.Phase == mesh.PhaseEntering && drained(s.Phase),
		before.Draining && !s.Draining && s.Cordoned: // not if the drain was cancelled
		out = append(out, Event{Kind: DrainFinish})
	}
	switch {
	case s.Pressed && !before.Pressed:
		out = append(out, Event{Kind: BackpressureOn, Level: s.Level})
	case !s.Pressed && before.Pressed:
		out = append(out, Event{Kind: BackpressureOff})
	}
	return out
}

// Present returns the events that describe s to a sink that got none before.
func (s Stance) Present() (out []Event) {
	if drained(s.Phase) {
		out = append(out, Event{Kind: DrainFinish})
	}
	return append(out, s.Since(Stance{})...)
}

// drained reports whether a phase is one in which entering maintenance ends.
func drained(p mesh.MaintenancePhase) bool {
	return p == mesh.PhaseMaintenance || p == mesh.PhaseDrainFailed
}
