package answers

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// rttMax is longer than any round trip takes; above it, a clock is broken.
const rttMax = 10 * time.Minute

// RTT returns the round-trip times that can be true.
func RTT(in *pluginv1.RttSamples, peers *Peers) ([]mesh.RTTSample, Discarded, error) {
	var bad Discarded
	ids, values := in.GetPeers(), in.GetRttNs()
	if len(ids) != len(values) {
		return nil, bad, columnsError(len(ids), len(values), "rtt_ns")
	}
	out := make([]mesh.RTTSample, 0, len(ids))
	nodes := newSubjects(peers, len(ids))
	for n, id := range ids {
		peer, rtt := mesh.NodeID(id), time.Duration(values[n])
		if goodRTT(peer, rtt, &bad) && nodes.take(peer, &bad) {
			out = append(out, mesh.RTTSample{Peer: peer, RTT: rtt})
		}
	}
	return out, bad, nil
}

// goodRTT reports whether a round-trip time can be true, and counts it as discarded if
// not.
func goodRTT(peer mesh.NodeID, rtt time.Duration, bad *Discarded) bool {
	switch {
	case rtt <= 0:
		bad.Add("rtt not above zero", "peer %d: %v", peer, rtt)
	case rtt > rttMax:
		bad.Add("rtt above "+rttMax.String(), "peer %d: %v", peer, rtt)
	default:
		return true
	}
	return false
}

// Health returns the verdicts that can be true.
func Health(in *pluginv1.HealthSamples, peers *Peers) ([]mesh.HealthSample, Discarded, error) {
	var bad Discarded
	ids, values := in.GetPeers(), in.GetHealth()
	if len(ids) != len(values) {
		return nil, bad, columnsError(len(ids), len(values), "health")
	}
	out := make([]mesh.HealthSample, 0, len(ids))
	nodes := newSubjects(peers, len(ids))
	for n, id := range ids {
		peer := mesh.NodeID(id)
		health, ok := healthOf(values[n])
		switch {
		case !ok:
			bad.Add("unknown value of health", "peer %d: %d", peer, values[n])
		case nodes.take(peer, &bad):
			out = append(out, mesh.HealthSample{Peer: peer, Health: health})
		}
	}
	return out, bad, nil
}

// healthOf returns the verdict of a value. "Unspecified" is not a verdict.
func healthOf(v meshosv1.NodeHealth) (mesh.NodeHealth, bool) {
	switch v {
	case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
		return mesh.HealthHealthy, true
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		return mesh.HealthDegraded, true
	case meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		return mesh.HealthUnreachable, true
	}
	return mesh.HealthUnknown, false
}

// columnsError is the error of an answer whose columns differ in length: nobody knows
// which of its values belong together.
func columnsError(peers, values int, column string) error {
	return fmt.Errorf("%d peers but %d %s", peers, values, column)
}
