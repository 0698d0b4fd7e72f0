package answers

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Event is one event of a plugin. Exactly one of its fields is set: a signed commit is
// not an event of the loop yet, since its signatures have to be judged first.
type Event struct {
	Event  mesh.Event
	Signed *wire.Signed
}

// Events returns the events that are well-formed, in their order. Shutdown is discarded:
// a plugin may not end the node.
func Events(in []*meshosv1.Event) ([]Event, Discarded) {
	var bad Discarded
	out := make([]Event, 0, len(in))
	for _, message := range in {
		event, signed, err := wire.EventFromProto(message)
		if _, end := event.(mesh.Shutdown); end {
			bad.Add("shutdown, which plugins may not send", "a shutdown event")
			continue
		}
		if err != nil {
			bad.Add("malformed event", "%v", err)
			continue
		}
		out = append(out, Event{Event: event, Signed: signed})
	}
	return out, bad
}
