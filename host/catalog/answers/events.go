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

// Events returns the events that can be true, in their order. Which of them the plugin may
// bring is host/intake's to decide. A round-trip time or the health of a node is checked as
// in the answer of a probe: the node has to be a peer.
func Events(in []*meshosv1.Event, peers *Peers) ([]Event, Discarded) {
	var bad Discarded
	out := make([]Event, 0, len(in))
	for _, message := range in {
		event, signed, err := wire.EventFromProto(message)
		if err != nil {
			bad.Add("malformed event", "%v", err)
			continue
		}
		if !peers.canSay(event, &bad) {
			continue
		}
		out = append(out, Event{Event: event, Signed: signed})
	}
	return out, bad
}

// canSay reports whether a plugin can know what an event says of a node. It counts an
// event that a plugin can't know as discarded.
func (p *Peers) canSay(event mesh.Event, bad *Discarded) bool {
	switch e := event.(type) {
	case mesh.RTTSample:
		return goodRTT(e.Peer, e.RTT, bad) && goodSample(&e, bad) && p.may(e.Peer, bad)
	case mesh.HealthSample:
		return p.may(e.Peer, bad)
	}
	return true
}
