package scoring

import (
	"iter"
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

// View is all that a scorer gets, as of one tick: every node, and the chains that this node
// leads. It is read where it is, in the tables of a snapshot.
type View struct {
	Version uint64
	of      snapshot.Snapshot // only what a view shows of it
}

// viewOf returns the view of a snapshot.
func viewOf(s *snapshot.Snapshot) View {
	return View{Version: s.Tick, of: snapshot.Snapshot{
		Node: s.Node, Peers: s.Peers, AvoidList: s.AvoidList, Replicas: s.Replicas, Beside: s.Beside,
		Maintenance: snapshot.Maintenance{Phase: s.Maintenance.Phase, Cordoned: s.Maintenance.Cordoned},
	}}
}

// nodes yields all nodes, by id.
func (v *View) nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		seen := false // this node, which is among the peers for its inventory only
		for id, p := range v.of.Peers.All() {
			if !seen && id >= v.of.Node {
				seen = true
				if !yield(v.here()) {
					return
				}
			}
			if id != v.of.Node && !yield(v.there(p)) {
				return
			}
		}
		if !seen {
			yield(v.here())
		}
	}
}

// node returns one node; ok is false if there is no such node.
func (v *View) node(id mesh.NodeID) (n Node, ok bool) {
	if id == v.of.Node {
		return v.here(), true
	}
	p, ok := v.of.Peers.Get(id)
	if !ok {
		return Node{}, false
	}
	return v.there(p), true
}

// there returns another node.
func (v *View) there(p snapshot.Peer) Node {
	_, avoided := v.of.AvoidList.Get(p.Node)
	return Node{Peer: v.lasting(p), Avoided: avoided}
}

// here returns this node: with what the snapshot shows of it elsewhere.
func (v *View) here() Node {
	p, _ := v.of.Peers.Get(v.of.Node)
	p = v.lasting(p)
	p.Node, p.RTT, p.HasRTT, p.Health = v.of.Node, 0, false, mesh.HealthUnknown
	p.Maintenance, p.Cordoned = v.of.Maintenance.Phase, v.of.Maintenance.Cordoned
	return Node{Peer: p}
}

// lasting returns a peer as a view shows it. A view is kept: how long something has been so
// would grow old there.
func (v *View) lasting(p snapshot.Peer) snapshot.Peer {
	p.HealthReason = v.of.HealthReason(&p)
	p.HealthSince, p.EchoSince, p.Measured = snapshot.Mark{}, snapshot.Mark{}, nil
	if m := p.Member; m != nil {
		next := &snapshot.Member{Seed: m.Seed, Gone: m.Gone}
		if m.Summary != nil {
			next.Summary = &mesh.Summary{Labels: m.Summary.Labels, ChainsHeld: m.Summary.ChainsHeld, ChainsMost: m.Summary.ChainsMost}
		}
		p.Member = next
	}
	return p
}

// has reports whether a node is in the view.
func (v *View) has(id mesh.NodeID) bool {
	_, ok := v.of.Peers.Get(id)
	return ok || id == v.of.Node
}

// chains yields the chains that this node leads, by id.
func (v *View) chains() iter.Seq[Chain] {
	return func(yield func(Chain) bool) {
		for r := range v.of.Replicas.Values() {
			if c := v.led(&r); len(c.Holders) > 0 && !yield(c) {
				return
			}
		}
	}
}

// led returns a chain that this node leads. If it does not, or there is none, the chain has no
// holders.
func (v *View) led(r *snapshot.Replica) Chain {
	if r == nil || r.Leader != v.of.Node || len(r.Holders) == 0 {
		return Chain{}
	}
	return Chain{ID: r.Chain, Holders: r.Holders, Desired: r.Desired}
}

// equal reports whether nothing about a chain has changed.
func (c *Chain) equal(other *Chain) bool {
	return c.ID == other.ID && c.Desired == other.Desired && sameOrEqual(c.Holders, other.Holders)
}

// sameOrEqual is slices.Equal, which is quick for one and the same list.
func sameOrEqual[T comparable](a, b []T) bool {
	same := len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	return same || slices.Equal(a, b)
}

// heldBy reports whether a node holds the chain.
func (c *Chain) heldBy(n mesh.NodeID) bool {
	_, held := slices.BinarySearch(c.Holders, n)
	return held
}
