package scoring

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// changes returns what leads from the view base to the view now. Jitter is left out
// unless all is true. Urgent means that chains must be scored again before the decision
// interval is over.
func changes(base, now *View, all bool, of *holders) (req Request, urgent bool) {
	req = Request{Version: now.Version, Base: base.Version, Led: len(now.Chains)}
	changed := changedNodes(&req, base, now, all)
	urgent = changed.facts
	if changedChains(&req, base, now) {
		urgent = true
	}
	return req, urgent || changed.movedHolder(of, now.Chains)
}

// nodeChanges is what the changed nodes mean for the chains.
type nodeChanges struct {
	facts bool          // a fact changed, so any chain may have a better alternative
	moved []mesh.NodeID // they count only for the chains that they hold
}

// movedHolder reports whether a node that moved holds one of the chains.
func (c *nodeChanges) movedHolder(of *holders, chains []Chain) bool {
	if len(c.moved) == 0 {
		return false
	}
	hold := of.of(chains)
	return slices.ContainsFunc(c.moved, func(n mesh.NodeID) bool { return hold[n] })
}

// holders are the nodes that hold chains of a list, which is never changed in place.
type holders struct {
	chains []Chain
	nodes  map[mesh.NodeID]bool
}

func (h *holders) of(chains []Chain) map[mesh.NodeID]bool {
	if h.nodes != nil && sameList(h.chains, chains) {
		return h.nodes
	}
	h.chains, h.nodes = chains, make(map[mesh.NodeID]bool)
	for i := range chains {
		for _, n := range chains[i].Holders {
			if !h.nodes[n] {
				h.nodes[n] = true
			}
		}
	}
	return h.nodes
}

func changedNodes(req *Request, base, now *View, all bool) (changed nodeChanges) {
	old := base.Nodes
	for i := range now.Nodes {
		n := &now.Nodes[i]
		for len(old) > 0 && old[0].Peer.Node < n.Peer.Node {
			req.RemovedNodes, changed.facts = append(req.RemovedNodes, old[0].Peer.Node), true
			old = old[1:]
		}
		c := factChanged
		if len(old) > 0 && old[0].Peer.Node == n.Peer.Node {
			c = n.since(&old[0])
			old = old[1:]
		}
		switch {
		case c == factChanged:
			changed.facts = true
		case c == moved:
			changed.moved = append(changed.moved, n.Peer.Node)
		case c == same || !all:
			continue
		}
		req.Nodes = append(req.Nodes, *n)
	}
	for _, gone := range old {
		req.RemovedNodes, changed.facts = append(req.RemovedNodes, gone.Peer.Node), true
	}
	return changed
}

func changedChains(req *Request, base, now *View) (changed bool) {
	if sameList(base.Chains, now.Chains) {
		return false
	}
	old := base.Chains
	for i := range now.Chains {
		c := &now.Chains[i]
		for len(old) > 0 && old[0].ID < c.ID {
			req.RemovedChains = append(req.RemovedChains, old[0].ID)
			old = old[1:]
		}
		known := len(old) > 0 && old[0].ID == c.ID
		if !known || !old[0].equal(c) {
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
