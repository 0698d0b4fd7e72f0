package reconcile

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// locality marks the peers that are not avoided yet and whose RTT was published as too long,
// or that probes have found degraded or lost.
func (d *diff) locality() {
	policy := d.s.Policy()
	for peer := range d.peers() {
		reason, probed := unfit(peer, policy)
		if reason == "" || d.s.Avoids(peer.ID) {
			continue
		}
		d.add(mesh.MarkAvoid{Peer: peer.ID, Reason: reason, TTL: policy.AvoidTTL, Probed: probed})
	}
}

// unfit returns why a peer is to be avoided, "" if it is not, and whether that is because of
// what probes measured. An RTT that came as an event is judged at once.
func unfit(p state.Peer, policy state.Policy) (reason string, probed bool) {
	if rtt := published(p); rtt > policy.DegradedRTT {
		return fmt.Sprintf("rtt %d ms is above %s", rtt.Milliseconds(), policy.DegradedRTT), false
	}
	switch p.Echo {
	case state.EchoDegraded:
		return p.EchoReason(policy), true
	case state.EchoLost:
		return "lost: " + p.EchoReason(policy), true
	}
	return "", false
}

// published returns the RTT to judge a peer by of those that came as events: the present one,
// or one that was reported since the last pass if that is longer.
func published(p state.Peer) time.Duration {
	var rtt time.Duration
	if p.HasRTT && !p.Probed {
		rtt = p.RTT
	}
	if p.HasReported {
		rtt = max(rtt, p.Reported)
	}
	return rtt
}
