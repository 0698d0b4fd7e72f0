package reconcile

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// leaders hands chains over: to the holder whose score beats that of this node by the gap, or to
// one of equal score that leads clearly fewer chains. Nothing is handed over twice within the
// cooldown, nor during a move, nor before the engine says who has all of the chain.
func (d *diff) leaders() {
	for c := range d.chains() {
		if !c.AnyCurrent() || !d.leads(c) || d.decided[c.ID] || d.keepsLead(c) != "" {
			continue
		}
		if to, even, ok := d.successor(c); ok && !d.underWay(c.ID) {
			d.wants = append(d.wants, want{arm: d.arm, action: mesh.TransferLeader{Chain: c.ID, To: to}, even: even})
		}
	}
}

// keepsLead returns why a chain that this node leads is not handed over now, or "".
func (d *diff) keepsLead(c state.Chain) string {
	switch {
	case !c.AnyCurrent():
		return "its engine does not say which holders have all of it"
	case !d.s.Active() || d.leaving[d.s.Node()]:
		return "this node hands leaders over only while it is Active and not drained"
	}
	if _, moving := d.s.Rebalancing(c.ID); moving {
		return "it is being moved"
	}
	if _, cooling := d.s.SinceLed(c.ID); cooling {
		return "it got another leader a moment ago"
	}
	if d.s.InCooldown(c.ID) {
		return "it was moved a moment ago"
	}
	return ""
}

// underWay reports whether who holds a chain is being changed.
func (d *diff) underWay(id mesh.ChainID) bool {
	return slices.ContainsFunc([]mesh.Action{
		mesh.RequestPlacement{Chain: id}, mesh.RequestEviction{Chain: id}, mesh.PullReplica{Chain: id}, mesh.DropReplica{Chain: id},
	}, func(a mesh.Action) bool { return d.s.Outstanding(a.Key()) })
}

// successor returns the holder that should lead a chain instead of this node. even means that it
// is not better, but leads fewer chains.
func (d *diff) successor(c state.Chain) (to mesh.NodeID, even, ok bool) {
	if best, gain, has := d.bestLeader(c); has && gain > d.s.Policy().HysteresisGap {
		return best, false, true
	}
	for _, n := range d.s.Lighter() {
		if d.mayLead(c, n) && d.asGood(c, n) && (!ok || mixed(c.ID, n) < mixed(c.ID, to)) {
			to, even, ok = n, true, true
		}
	}
	return to, even, ok
}

// bestLeader returns the holder with the highest score of those that may lead a chain, and by how
// much it is better than this node. Among equals it is the one with the lowest id.
func (d *diff) bestLeader(c state.Chain) (best mesh.NodeID, gain float32, ok bool) {
	scores := d.s.ScoresOf(c.ID)
	here, scored := scores.Of(d.s.Node())
	if !scored {
		return 0, 0, false
	}
	for _, n := range c.Holders {
		if score, has := scores.Of(n); has && d.mayLead(c, n) && (!ok || score-here > gain) {
			best, gain, ok = n, score-here, true
		}
	}
	return best, gain, ok
}

// mayLead reports whether a chain may be handed over to a node: it has all of it, is live and
// Active, and stays.
func (d *diff) mayLead(c state.Chain, n mesh.NodeID) bool {
	return n != d.s.Node() && c.Current(n) && d.counts(c, n) && d.s.MayLead(n)
}

// asGood reports whether a holder's score is not so far below that of this node that the chain
// would soon be handed back. Without scores all are equal.
func (d *diff) asGood(c state.Chain, n mesh.NodeID) bool {
	scores := d.s.ScoresOf(c.ID)
	here, scored := scores.Of(d.s.Node())
	there, has := scores.Of(n)
	return !scored || has && here-there <= d.s.Policy().HysteresisGap/2
}
