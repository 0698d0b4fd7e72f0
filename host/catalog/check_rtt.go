package catalog

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// rttMax is more than any round trip takes; what is above is a broken clock.
const rttMax = 10 * time.Minute

// checkRTT keeps the samples that can be true.
func checkRTT(in *pluginv1.RttSamples, peers *peerSet) ([]mesh.RTTSample, findings, error) {
	ids, values := in.GetPeers(), in.GetRttNs()
	if len(ids) != len(values) {
		return nil, nil, columnsError(len(ids), "peers", len(values), "rtt_ns")
	}
	var bad findings
	out := make([]mesh.RTTSample, 0, len(ids))
	seen := make(map[mesh.NodeID]struct{}, len(ids))
	for n, id := range ids {
		peer, rtt := mesh.NodeID(id), time.Duration(values[n])
		switch {
		case rtt <= 0:
			bad.add("rtt not above zero", "peer %d: %v", peer, rtt)
		case rtt > rttMax:
			bad.add("rtt above "+rttMax.String(), "peer %d: %v", peer, rtt)
		case about(peer, peers, seen, &bad):
			out = append(out, mesh.RTTSample{Peer: peer, RTT: rtt})
		}
	}
	return out, bad, nil
}

// about says whether a sample is about a peer that was not heard of yet in the
// same answer; the first of several counts.
func about(peer mesh.NodeID, peers *peerSet, seen map[mesh.NodeID]struct{}, bad *findings) bool {
	_, twice := seen[peer]
	switch {
	case peer == peers.self:
		bad.add("sample for this node", "peer %d", peer)
	case !peers.has(peer):
		bad.add("unknown peer", "peer %d", peer)
	case twice:
		bad.add("peer twice in an answer", "peer %d", peer)
	default:
		seen[peer] = struct{}{}
		return true
	}
	return false
}

// columnsError says that an answer's columns don't belong together, so that
// nothing in it can be trusted.
func columnsError(n int, a string, m int, b string) error {
	return fmt.Errorf("%w: %d %s but %d %s; its author has to repair that", ErrBadAnswer, n, a, m, b)
}
