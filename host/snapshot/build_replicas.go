package snapshot

import (
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Of chains a snapshot has those that a node holds and those with a desired number of
// replicas, even if none exists yet.

func (b *Builder) updateReplicas(s *state.State, t marks.Touched[mesh.ChainID]) {
	if t.All {
		var n chainEntries
		for c := range s.Chains() {
			b.updateReplica(s.Node(), c, &n)
		}
		known := func(id mesh.ChainID) bool { _, ok := s.Chain(id); return ok }
		retain(b.replicas, n.replicas, known)
		retain(b.held, n.held, known)
		retain(b.led, n.led, known)
		retain(b.chainOrders, n.orders, known)
	}
	for _, id := range t.IDs {
		c, ok := s.Chain(id)
		if !ok {
			c.ID = id
		}
		b.updateReplica(s.Node(), c, new(chainEntries))
	}
}

// chainEntries counts the entries of chains.
type chainEntries struct{ replicas, held, led, orders int }

// updateReplica makes the entry of a chain anew. One without holders and orders is as good as
// one that is not known.
func (b *Builder) updateReplica(node mesh.NodeID, c state.Chain, n *chainEntries) {
	o := &b.next.order
	*o = state.ChainOrder{Chain: c.ID, Count: c.Count, Hold: c.Held}
	n.orders += set(b.chainOrders, c.ID, o, o.Count != nil || o.Hold != nil, func(a, b *state.ChainOrder) bool { return *a == *b })
	v := &b.next.replica
	*v = Replica{
		Chain: c.ID, Holders: c.Holders, Leader: c.Leader, HasDesired: c.HasDesired, Hold: c.Hold,
	}
	if v.HasDesired {
		v.Desired = c.Desired
	}
	if o.Count != nil {
		v.Ordered = order(&o.Count.By)
	}
	if o.Hold != nil {
		v.HoldOrdered = order(&o.Hold.By)
	}
	n.replicas += set(b.replicas, c.ID, v, len(c.Holders) > 0 || c.HasDesired, sameReplica)
	n.led += set(b.led, c.ID, &struct{}{}, c.Leader == node, func(_, _ *struct{}) bool { return true })
	n.held += set(b.held, c.ID, &struct{}{}, c.HeldBy(node), func(_, _ *struct{}) bool { return true })
}

func sameReplica(a, b *Replica) bool {
	return a.Chain == b.Chain && a.Leader == b.Leader && a.Desired == b.Desired && a.HasDesired == b.HasDesired &&
		a.Hold == b.Hold && a.Ordered == b.Ordered && a.HoldOrdered == b.HoldOrdered && slices.Equal(a.Holders, b.Holders)
}
