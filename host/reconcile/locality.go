package reconcile

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// locality marks the peers that are slower than the threshold and not avoided yet.
func (d *diff) locality() {
	p := d.s.Policy()
	for peer := range d.s.Peers() {
		rtt := slowest(peer)
		if rtt <= p.DegradedRTT || d.s.Avoids(peer.ID) {
			continue
		}
		d.add(mesh.MarkAvoid{
			Peer:   peer.ID,
			Reason: fmt.Sprintf("rtt %d ms is above %s", rtt.Milliseconds(), p.DegradedRTT),
			TTL:    p.AvoidTTL,
		})
	}
}

// slowest returns the RTT to judge a peer by: the latest one, or one that was reported since
// the last pass if that is longer.
func slowest(p state.Peer) time.Duration {
	var rtt time.Duration
	if p.HasRTT {
		rtt = p.RTT
	}
	if p.HasReported {
		rtt = max(rtt, p.Reported)
	}
	return rtt
}
