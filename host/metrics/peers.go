package metrics

import (
	"strconv"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// allPeers is up to how many peers each has series of its own; of more, only those that are
// not well have.
const allPeers = 1000

// peers is the metrics of the other nodes.
type peers struct {
	count, health, rtt, loss, jitter, lost, avoided, cutOff, members family
}

func newPeers() *peers {
	return &peers{
		count:   gauge("peers", "Peers by health: healthy, degraded, unreachable or unknown.", "health"),
		members: gauge("mesh_members", "Other members of the mesh by state: here (with a session), unreachable_from_here, ended (in order) or gone; absent without a mesh.", "state"),
		avoided: gauge("avoided_peers", "Peers on the avoid list."),
		health:  gauge("peer_health", "1: healthy, 0.5: degraded, 0: unreachable; absent while it is unknown.", "peer", "name"),
		rtt:     gauge("peer_rtt_seconds", "Round-trip time to a peer; absent while it is unknown.", "peer", "name"),
		loss:    gauge("peer_loss_ratio", "Share of the last echoes to a peer without an answer in time; absent while it is unknown.", "peer", "name"),
		jitter:  gauge("peer_jitter_seconds", "Mean difference of successive round-trip times to a peer; absent while it is unknown.", "peer", "name"),
		lost:    gauge("peer_lost", "1: a peer answered none of the last rounds of a locality probe, 0: it did; absent while it is not measured.", "peer", "name"),
		cutOff:  gauge("cut_off", "1 while more than half of the peers are lost and were within 10 s: this node may be the one that is cut off. Else 0."),
	}
}

func (p *peers) families() []family {
	return []family{p.count, p.avoided, p.cutOff, p.members, p.health, p.rtt, p.loss, p.jitter, p.lost}
}

func (p *peers) collect(out scrape, snap *snapshot.Snapshot) {
	count, members := map[mesh.NodeHealth]int{}, map[string]int{}
	all := snap.Peers.Len() <= allPeers
	for id, peer := range snap.Peers.All() {
		if id == snap.Node {
			continue
		}
		count[peer.Health]++
		if peer.Member != nil {
			members[memberState(&peer)]++
		}
		_, avoided := snap.AvoidList.Get(id)
		if all || avoided || !well(&peer) {
			p.one(out, &peer)
		}
	}
	for health, name := range map[mesh.NodeHealth]string{
		mesh.HealthUnknown: "unknown", mesh.HealthHealthy: "healthy",
		mesh.HealthDegraded: "degraded", mesh.HealthUnreachable: "unreachable",
	} {
		out.set(p.count, float64(count[health]), name)
	}
	if snap.Mesh != nil {
		for _, state := range []string{"here", "unreachable_from_here", "ended", "gone"} {
			out.set(p.members, float64(members[state]), state)
		}
	}
	out.set(p.avoided, float64(snap.AvoidList.Len()))
	out.set(p.cutOff, oneIf(snap.CutOff != nil))
}

// memberState returns how another member of the mesh is.
func memberState(p *snapshot.Peer) string {
	switch m := p.Member; {
	case m.Gone && m.Orderly:
		return "ended"
	case m.Gone:
		return "gone"
	case p.FromHere:
		return "unreachable_from_here"
	}
	return "here"
}

// well reports whether nothing is known to be wrong with a peer.
func well(p *snapshot.Peer) bool {
	loss, _ := p.Loss()
	return p.Health != mesh.HealthDegraded && p.Health != mesh.HealthUnreachable && loss == 0 && p.Echoes.Reason == ""
}

func oneIf(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// one adds the series of one peer.
func (p *peers) one(out scrape, peer *snapshot.Peer) {
	labels := []string{strconv.FormatUint(uint64(peer.Node), 10), valid(peer.Name)}
	switch peer.Health {
	case mesh.HealthHealthy:
		out.set(p.health, 1, labels...)
	case mesh.HealthDegraded:
		out.set(p.health, 0.5, labels...)
	case mesh.HealthUnreachable:
		out.set(p.health, 0, labels...)
	}
	if peer.HasRTT {
		out.set(p.rtt, float64(peer.RTT)*perSecond, labels...)
	}
	if loss, known := peer.Loss(); known {
		out.set(p.loss, loss, labels...)
	}
	if jitter, known := peer.Jitter(); known {
		out.set(p.jitter, float64(jitter)*perSecond, labels...)
	}
	if peer.Echo != snapshot.EchoUnknown {
		out.set(p.lost, oneIf(peer.Echo == snapshot.EchoLost), labels...)
	}
}
