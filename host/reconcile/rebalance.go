package reconcile

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// rebalance moves replicas from holders with a low score to nodes with a clearly higher one.
// It places first and evicts once the target holds the chain, so a chain never has too few
// holders during a move.
func (d *diff) rebalance() {
	if !d.s.ScoresUsable() && !d.s.AnyRebalance() {
		return
	}
	for c := range d.chains() {
		if !d.leads(c) || d.decided[c.ID] {
			continue
		}
		if move, under := d.s.Rebalancing(c.ID); under {
			d.continueMove(c, move)
		} else if d.s.Active() && !d.s.InCooldown(c.ID) {
			d.beginMove(c)
		}
	}
}

// continueMove asks for the next step of a move that is under way.
func (d *diff) continueMove(c state.Chain, move state.Rebalance) {
	if !c.HeldBy(move.Target) {
		if d.s.Active() {
			d.addMove(c.ID, want{action: mesh.RequestPlacement{Chain: c.ID, Target: move.Target}})
		}
		return
	}
	live := d.live(c)
	if !slices.Contains(live, move.Worst) || len(live) > c.Required() {
		d.addMove(c.ID, want{action: mesh.RequestEviction{Chain: c.ID, Victim: move.Worst}})
	}
}

// beginMove begins a move if the worst holder is below the floor, and the best alternative
// gains more than the gap and more than the move costs.
func (d *diff) beginMove(c state.Chain) {
	if live, _ := d.count(c); live < c.Required() {
		return
	}
	p := d.s.Policy()
	worst, score, ok := d.worstHolder(c)
	if !ok || score >= p.ScoreFloor {
		return
	}
	best, cost, ok := d.s.Alternative(c.ID)
	if !ok || c.HeldBy(best.Node) || !d.s.MayHost(best.Node) || d.wouldCrowd(c, worst, best.Node) {
		return
	}
	// Written so that no move begins if one of the numbers is NaN.
	if gain := best.Score - score; !(gain > p.HysteresisGap && gain-cost > 0) {
		return
	}
	d.addMove(c.ID, want{
		action:    mesh.RequestPlacement{Chain: c.ID, Target: best.Node},
		rebalance: &state.Rebalance{Chain: c.ID, Worst: worst, Target: best.Node},
	})
}

// worstHolder returns the holder with the lowest score, and among equals the one with the
// highest id. It leaves out this node, which leads the chain, and holders without a score.
func (d *diff) worstHolder(c state.Chain) (worst mesh.NodeID, score float32, ok bool) {
	scores := d.s.ScoresOf(c.ID)
	for _, n := range c.Holders {
		if n == d.s.Node() {
			continue
		}
		if s, has := scores.Of(n); has && (!ok || s <= score) {
			worst, score, ok = n, s, true
		}
	}
	return worst, score, ok
}
