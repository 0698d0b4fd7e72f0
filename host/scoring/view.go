package scoring

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Node is a node as a scorer sees it. This node is one of them, with its own maintenance
// and cordon, but without round trip and health, which are never measured of it.
type Node struct {
	Peer    snapshot.Peer
	Avoided bool
}

// Chain is a chain that this node leads.
type Chain struct {
	ID      mesh.ChainID
	Holders []mesh.NodeID // ascending, at least one; not to be written to
	Desired uint32        // replicas; 0 for no wish
}

// View is all that a scorer gets, as of one tick. Lists are ascending by id.
type View struct {
	Version uint64
	Nodes   []Node
	Chains  []Chain
}

// fill makes v the view of a snapshot, in the memory that its nodes have already. Chains go
// to the memory of spare unless they are those that v has: a list of chains is never
// changed in place, so a list that is another one is one that has changed. The memory that
// is not used is returned. If no chain of the snapshot has changed since the last fill, those
// that v has are right.
func (v *View) fill(s *snapshot.Snapshot, changed bool, spare []Chain) []Chain {
	v.Version = s.Tick
	v.fillNodes(s)
	if !changed {
		return spare
	}
	led := ledChains(s, spare[:0])
	if slices.EqualFunc(led, v.Chains, func(a, b Chain) bool { return a.equal(&b) }) {
		return led
	}
	v.Chains = led
	return make([]Chain, 0, len(led))
}

// fillNodes takes the nodes of a snapshot.
func (v *View) fillNodes(s *snapshot.Snapshot) {
	v.Nodes = v.Nodes[:0]
	seen := false // this node, which is among the peers for its inventory only
	for p := range s.Peers.Values() {
		p.HealthReason = s.HealthReason(&p)
		// A view is kept: how long something has been so would grow old there.
		p.HealthSince, p.EchoSince, p.Measured = snapshot.Mark{}, snapshot.Mark{}, nil
		if !seen && p.Node >= s.Node {
			seen = true
			if p.Node == s.Node {
				v.Nodes = append(v.Nodes, here(s, p))
				continue
			}
			v.Nodes = append(v.Nodes, here(s, snapshot.Peer{Node: s.Node}))
		}
		_, avoided := s.AvoidList.Get(p.Node)
		v.Nodes = append(v.Nodes, Node{Peer: p, Avoided: avoided})
	}
	if !seen {
		v.Nodes = append(v.Nodes, here(s, snapshot.Peer{Node: s.Node}))
	}
}

// ledChains appends the chains that this node leads.
func ledChains(s *snapshot.Snapshot, out []Chain) []Chain {
	for r := range s.Replicas.Values() {
		if r.Leader == s.Node && len(r.Holders) > 0 {
			out = append(out, Chain{ID: r.Chain, Holders: r.Holders, Desired: r.Desired})
		}
	}
	return out
}

// equal reports whether nothing about a chain has changed.
func (c *Chain) equal(other *Chain) bool {
	return c.ID == other.ID && c.Desired == other.Desired && sameOrEqual(c.Holders, other.Holders)
}

// sameList reports whether two lists are one in memory.
func sameList[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// sameOrEqual is slices.Equal, which is quick for one and the same list.
func sameOrEqual[T comparable](a, b []T) bool { return sameList(a, b) || slices.Equal(a, b) }

// here returns this node: p with what the snapshot shows of it elsewhere.
func here(s *snapshot.Snapshot, p snapshot.Peer) Node {
	p.RTT, p.HasRTT, p.Health = 0, false, mesh.HealthUnknown
	p.Maintenance, p.Cordoned = s.Maintenance.Phase, s.Maintenance.Cordoned
	return Node{Peer: p}
}

// full returns a request with the whole view, in the memory of the view.
func (v *View) full() Request {
	return Request{Version: v.Version, Full: true, Nodes: v.Nodes, Chains: v.Chains, Led: len(v.Chains)}
}

// acked returns the view that the scorer has after its answer to a request that was made
// from the view now: that of apply, in memory that now gives away. It shares the list of
// chains with now.
func (v *View) acked(now *View, req Request) View {
	out := View{Version: req.Version, Nodes: req.Nodes, Chains: now.Chains} // no change of a chain is left out
	if req.Full {
		now.Nodes = make([]Node, 0, len(out.Nodes)) // the next view has about as many
	} else {
		out.Nodes = merge(v.Nodes, req.Nodes, req.RemovedNodes, func(n *Node) mesh.NodeID { return n.Peer.Node })
	}
	return out
}

// apply returns the view that a request leads to from the view v, as a scorer computes
// it. v is not changed.
func (v *View) apply(req Request) View {
	if req.Full {
		return View{Version: req.Version, Nodes: slices.Clone(req.Nodes), Chains: slices.Clone(req.Chains)}
	}
	return View{
		Version: req.Version,
		Nodes:   merge(v.Nodes, req.Nodes, req.RemovedNodes, func(n *Node) mesh.NodeID { return n.Peer.Node }),
		Chains:  merge(v.Chains, req.Chains, req.RemovedChains, func(c *Chain) mesh.ChainID { return c.ID }),
	}
}

// merge returns a new list: old without the removed, with the changed inserted or
// replaced. All lists are ascending.
func merge[T any, ID cmp.Ordered](old, changed []T, removed []ID, id func(*T) ID) []T {
	out := make([]T, 0, len(old)+len(changed))
	for i := range old {
		at := id(&old[i])
		for len(changed) > 0 && id(&changed[0]) < at {
			out, changed = append(out, changed[0]), changed[1:]
		}
		for len(removed) > 0 && removed[0] < at {
			removed = removed[1:]
		}
		switch {
		case len(changed) > 0 && id(&changed[0]) == at:
			out, changed = append(out, changed[0]), changed[1:]
		case len(removed) == 0 || removed[0] != at:
			out = append(out, old[i])
		}
	}
	return append(out, changed...)
}

// chainFinder finds chains that mostly come in the order of a list.
type chainFinder struct {
	in   []Chain
	next int
}

func (f *chainFinder) find(id mesh.ChainID) (at int, found bool) {
	if at = f.next; at >= len(f.in) || f.in[at].ID != id {
		at, found = slices.BinarySearchFunc(f.in, id, func(c Chain, id mesh.ChainID) int { return cmp.Compare(c.ID, id) })
		if !found {
			return 0, false
		}
	}
	f.next = at + 1
	return at, true
}

// has reports whether a node is in the view.
func (v *View) has(id mesh.NodeID) bool {
	_, ok := slices.BinarySearchFunc(v.Nodes, id, func(n Node, id mesh.NodeID) int { return cmp.Compare(n.Peer.Node, id) })
	return ok
}

// heldBy reports whether a node holds the chain.
func (c *Chain) heldBy(n mesh.NodeID) bool {
	_, held := slices.BinarySearch(c.Holders, n)
	return held
}
