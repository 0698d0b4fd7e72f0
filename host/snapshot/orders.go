package snapshot

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot/shared"
	"github.com/meshos/meshos/host/state"
)

// Orders are what has to outlive the process, as state.Orders has it.
type Orders struct {
	ofNode  state.Orders // without the lists that follow
	nodes   shared.Table[mesh.NodeID, state.NodeOrder]
	daemons shared.Table[mesh.DaemonID, state.DaemonOrder]
	gates   shared.Table[mesh.DaemonID, state.GateOrder]
	// Those about chains are with what is shown of the chains, but for chains that are not.
	replicas Replicas
	unshown  shared.Table[mesh.ChainID, state.ChainOrder]
}

// Height returns the height of the last order of the ordered log that is in it.
func (o *Orders) Height() uint64 { return o.ofNode.Height }

// Same reports whether two are equal, without looking at what they share. It may take equal
// ones for different.
func (o *Orders) Same(other *Orders) bool {
	return o.nodes.Is(other.nodes) && o.daemons.Is(other.daemons) && o.gates.Is(other.gates) && o.unshown.Is(other.unshown) &&
		sameOfNode(&o.ofNode, &other.ofNode) && o.sameOfChains(other)
}

func (o *Orders) sameOfChains(other *Orders) bool {
	for _, c := range shared.Changes(o.replicas, other.replicas, func(_, _ *Replica) bool { return false }) {
		var was, is Replica
		if c.Old != nil {
			was = *c.Old
		}
		if c.New != nil {
			is = *c.New
		}
		if was.Count != is.Count || was.Held != is.Held {
			return false
		}
	}
	return true
}

// SameEnds reports whether two tell of the same ends of daemons.
func (o *Orders) SameEnds(other *Orders) bool {
	for range shared.Changes(o.gates, other.gates, sameEnd) {
		return false
	}
	return true
}

func sameEnd(a, b *state.GateOrder) bool {
	return a.State == b.State && a.Count == b.Count && a.LastEnd.At.Equal(b.LastEnd.At)
}

func sameOfNode(a, b *state.Orders) bool {
	if a.Local != nil || b.Local != nil || len(a.Forced)+len(b.Forced) > 0 { // which are rare, and short
		return false
	}
	return a.Height == b.Height && a.MeshHeight == b.MeshHeight && a.Frozen == b.Frozen && a.FrozenHere == b.FrozenHere && a.FreezeUntil == b.FreezeUntil
}

// State returns them as the state took them. They must not be written to.
func (o *Orders) State() state.Orders {
	out := o.ofNode
	for n := range o.nodes.Values() {
		out.Nodes = append(out.Nodes, n)
	}
	for d := range o.daemons.Values() {
		out.Daemons = append(out.Daemons, d)
	}
	for g := range o.gates.Values() {
		out.Gates = append(out.Gates, g)
	}
	for c := range o.unshown.Values() {
		out.Chains = append(out.Chains, c)
	}
	unshown := len(out.Chains)
	for r := range o.replicas.Values() {
		if r.Count != nil || r.Held != nil {
			out.Chains = append(out.Chains, state.ChainOrder{Chain: r.Chain, Count: r.Count, Hold: r.Held})
		}
	}
	if unshown > 0 {
		slices.SortFunc(out.Chains, func(a, b state.ChainOrder) int { return cmp.Compare(a.Chain, b.Chain) })
	}
	return out
}

// OrdersOf returns orders as a snapshot has them.
func OrdersOf(o state.Orders) Orders {
	out := Orders{ofNode: o}
	out.ofNode.Nodes, out.ofNode.Daemons, out.ofNode.Gates, out.ofNode.Chains = nil, nil, nil, nil
	out.nodes = shared.Of(func(n state.NodeOrder) mesh.NodeID { return n.Node }, o.Nodes...)
	out.daemons = shared.Of(func(d state.DaemonOrder) mesh.DaemonID { return d.Daemon.ID }, o.Daemons...)
	out.gates = shared.Of(func(g state.GateOrder) mesh.DaemonID { return g.Daemon.ID }, o.Gates...)
	out.unshown = shared.Of(func(c state.ChainOrder) mesh.ChainID { return c.Chain }, o.Chains...)
	return out
}
