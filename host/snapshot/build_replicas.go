package snapshot

import (
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot/shared"
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
		retain(b.unshown, n.unshown, known)
		b.held, b.led, b.waited = n.held, n.led, nil
	}
	for _, id := range t.IDs {
		var was, is chainEntries
		c, ok := s.Chain(id)
		if !ok {
			c.ID = id
		}
		was.count(s.Node(), b.replicas.Get(id))
		b.updateReplica(s.Node(), c, &is)
		b.held, b.led = b.held+is.held-was.held, b.led+is.led-was.led
	}
	b.updateWaited(s)
}

// chainEntries counts the entries of chains.
type chainEntries struct{ replicas, held, led, unshown int }

func (n *chainEntries) count(node mesh.NodeID, r *Replica) {
	switch {
	case r == nil:
		return
	case r.Leader == node:
		n.led++
	}
	if r.heldBy(node) {
		n.held++
	}
}

func (r *Replica) heldBy(n mesh.NodeID) bool {
	_, held := slices.BinarySearch(r.Holders, n)
	return held
}

// updateReplica makes the entry of a chain anew. One without holders and orders is as good as
// one that is not known.
func (b *Builder) updateReplica(node mesh.NodeID, c state.Chain, n *chainEntries) {
	shown := len(c.Holders) > 0 || c.HasDesired
	v := &b.next.replica
	*v = Replica{
		Chain: c.ID, Holders: c.Holders, Leader: c.Leader, HasDesired: c.HasDesired, Hold: c.Hold,
		Count: c.Count, Held: c.Held,
	}
	if v.HasDesired {
		v.Desired = c.Desired
	}
	if shown {
		n.count(node, v)
	}
	n.replicas += set(b.replicas, c.ID, v, shown, sameReplica)
	o := &b.next.order
	*o = state.ChainOrder{Chain: c.ID, Count: c.Count, Hold: c.Held}
	n.unshown += set(b.unshown, c.ID, o, !shown && (c.Count != nil || c.Held != nil), func(a, b *state.ChainOrder) bool { return *a == *b })
	if b.waited != nil {
		set(b.waited, c.ID, &struct{}{}, v.heldBy(node), func(_, _ *struct{}) bool { return true })
	}
}

// updateWaited begins or ceases to keep the list of the chains that this node holds, which is
// needed only while something waits until there are none.
func (b *Builder) updateWaited(s *state.State) {
	switch waits := s.WaitsForChains(); {
	case !waits:
		b.waited = nil
	case b.waited == nil:
		b.waited = shared.NewEditor[mesh.ChainID, struct{}](4 * perChunk)
		for id, r := range b.replicas.Now().All() {
			if r.heldBy(s.Node()) {
				b.waited.Put(id, struct{}{})
			}
		}
	}
}

func sameReplica(a, b *Replica) bool {
	return a.Chain == b.Chain && a.Leader == b.Leader && a.Desired == b.Desired && a.HasDesired == b.HasDesired &&
		a.Hold == b.Hold && a.Count == b.Count && a.Held == b.Held && slices.Equal(a.Holders, b.Holders)
}
