package catalog

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Heard is one event of a plugin, checked. Exactly one of its fields is set: a
// signed commit is no event yet, it has to be judged first.
type Heard struct {
	Event  mesh.Event
	Signed *wire.Signed
}

// checkEvents keeps the events that mean something, in their order. The end of
// the node is not a plugin's to decide.
func checkEvents(in []*meshosv1.Event) ([]Heard, findings) {
	var bad findings
	out := make([]Heard, 0, len(in))
	for _, message := range in {
		event, signed, err := wire.EventFromProto(message)
		if _, end := event.(mesh.Shutdown); end {
			bad.add("shutdown, which plugins may not say", "a shutdown event")
			continue
		}
		if err != nil {
			bad.add("malformed event", "%v", err)
			continue
		}
		out = append(out, Heard{Event: event, Signed: signed})
	}
	return out, bad
}
