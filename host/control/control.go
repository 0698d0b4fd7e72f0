package control

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Kind is what is told.
type Kind uint8

// The kinds.
const (
	Shutdown Kind = iota + 1
	DrainStart
	DrainFinish
	BackpressureOn
	BackpressureOff
)

// String gives the contract's name.
func (k Kind) String() string {
	switch k {
	case Shutdown:
		return "shutdown"
	case DrainStart:
		return "drain_start"
	case DrainFinish:
		return "drain_finish"
	case BackpressureOn:
		return "backpressure_on"
	case BackpressureOff:
		return "backpressure_off"
	}
	return "unknown"
}

// Event is one thing that daemons should know.
type Event struct {
	Kind     Kind
	Deadline time.Time // Shutdown and DrainStart: until then
	Level    float32   // BackpressureOn: 0 … 1
}

// Proto turns an event as seen at now: a deadline becomes what is left of it, 0 when
// it is past.
func (e Event) Proto(now time.Time) *pluginv1.ControlEvent {
	grace := &pluginv1.ControlEvent_Grace{Grace: durationpb.New(max(0, e.Deadline.Sub(now)))}
	switch e.Kind {
	case Shutdown:
		return &pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_Shutdown{Shutdown: grace}}
	case DrainStart:
		return &pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_DrainStart{DrainStart: grace}}
	case DrainFinish:
		return &pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_DrainFinish{DrainFinish: &pluginv1.ControlEvent_Empty{}}}
	case BackpressureOn:
		return &pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_BackpressureOn{BackpressureOn: e.Level}}
	default:
		return &pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_BackpressureOff{BackpressureOff: &pluginv1.ControlEvent_Empty{}}}
	}
}

// Stance is how things stand with this node. The zero value is a node of which
// nothing is known, with nothing waiting.
type Stance struct {
	Phase    mesh.MaintenancePhase
	Draining bool // without leaving Active
	Cordoned bool
	Deadline time.Time // of entering maintenance, or of the drain
	Pressed  bool      // backpressure is on
	Level    float32   // while it is: 0 … 1
}

// Since gives what daemons should hear when a stance became another. A new deadline
// or level alone is nothing new.
func (s Stance) Since(before Stance) (out []Event) {
	switch {
	case s.Phase == mesh.PhaseEntering && s.Phase != before.Phase, s.Draining && !before.Draining:
		out = append(out, Event{Kind: DrainStart, Deadline: s.Deadline})
	case before.Phase == mesh.PhaseEntering && drained(s.Phase),
		before.Draining && !s.Draining && s.Cordoned: // not if it was called off
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

// Present gives what somebody should hear who has heard nothing yet.
func (s Stance) Present() (out []Event) {
	if drained(s.Phase) {
		out = append(out, Event{Kind: DrainFinish})
	}
	return append(out, s.Since(Stance{})...)
}

// drained says whether a phase is what entering maintenance ends in.
func drained(p mesh.MaintenancePhase) bool {
	return p == mesh.PhaseMaintenance || p == mesh.PhaseDrainFailed
}
