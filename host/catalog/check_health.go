package catalog

import (
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// checkHealth keeps the verdicts that can be true.
func checkHealth(in *pluginv1.HealthSamples, peers *peerSet) ([]mesh.HealthSample, findings, error) {
	ids, values := in.GetPeers(), in.GetHealth()
	if len(ids) != len(values) {
		return nil, nil, columnsError(len(ids), "peers", len(values), "health")
	}
	var bad findings
	out := make([]mesh.HealthSample, 0, len(ids))
	seen := make(map[mesh.NodeID]struct{}, len(ids))
	for n, id := range ids {
		peer := mesh.NodeID(id)
		health, ok := healthOf(values[n])
		switch {
		case !ok:
			bad.add("no such health", "peer %d: %d", peer, values[n])
		case about(peer, peers, seen, &bad):
			out = append(out, mesh.HealthSample{Peer: peer, Health: health})
		}
	}
	return out, bad, nil
}

// healthOf gives the verdict; unspecified is none.
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
