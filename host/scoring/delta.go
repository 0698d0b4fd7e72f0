package scoring

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// changes says what leads from the view told to the view now. Jitter is left out
// unless all of it is asked for. Urgent says that chains must be scored again
// before the decision interval is over.
func changes(told, now *View, all bool) (req Request, urgent bool) {
	req = Request{Version: now.Version, Base: told.Version}
	holders := changedNodes(&req, told, now, all)
	urgent = holders.turned
	if changedChains(&req, told, now) {
		urgent = true
	}
	return req, urgent || holders.hold(now.Chains)
}

// alarms is what the changed nodes mean for the chains.
type alarms struct {
	turned bool          // a fact turned, so any chain may have a better alternative
	moved  []mesh.NodeID // ascending; they count only for the chains they hold
}

// hold says whether one of those that moved holds a chain.
func (a *alarms) hold(chains []Chain) bool {
	if len(a.moved) == 0 {
		return false
	}
	for i := range chains {
		for _, n := range chains[i].Holders {
			if _, is := slices.BinarySearch(a.moved, n); is {
				return true
			}
		}
	}
	return false
}

func changedNodes(req *Request, told, now *View, all bool) (a alarms) {
	old := told.Nodes
	for i := range now.Nodes {
		n := &now.Nodes[i]
		for len(old) > 0 && old[0].Peer.Node < n.Peer.Node {
			req.RemovedNodes, a.turned = append(req.RemovedNodes, old[0].Peer.Node), true
			old = old[1:]
		}
		c := turned
		if len(old) > 0 && old[0].Peer.Node == n.Peer.Node {
			c = n.since(&old[0])
			old = old[1:]
		}
		switch {
		case c == turned:
			a.turned = true
		case c == moved:
			a.moved = append(a.moved, n.Peer.Node)
		case c == same || !all:
			continue
		}
		req.Nodes = append(req.Nodes, *n)
	}
	for _, gone := range old {
		req.RemovedNodes, a.turned = append(req.RemovedNodes, gone.Peer.Node), true
	}
	return a
}

func changedChains(req *Request, told, now *View) (changed bool) {
	old := told.Chains
	for i := range now.Chains {
		c := &now.Chains[i]
		for len(old) > 0 && old[0].ID < c.ID {
			req.RemovedChains = append(req.RemovedChains, old[0].ID)
			old = old[1:]
		}
		known := len(old) > 0 && old[0].ID == c.ID
		if !known || old[0].Desired != c.Desired || !slices.Equal(old[0].Holders, c.Holders) {
			req.Chains = append(req.Chains, *c)
		}
		if known {
			old = old[1:]
		}
	}
	for i := range old {
		req.RemovedChains = append(req.RemovedChains, old[i].ID)
	}
	return len(req.Chains)+len(req.RemovedChains) > 0
}
