package control

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Kind is the kind of an event.
type Kind uint8

// The kinds.
const (
	Shutdown Kind = iota + 1
	DrainStart
	DrainFinish
	BackpressureOn
	BackpressureOff
)

// String returns the contract's name.
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

// Proto returns the event as it is sent at now: with the time that is left until the
// deadline, 0 if it is past.
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
