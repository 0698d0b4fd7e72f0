package reconcile

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// replicaCount brings the chains that this node leads to the desired number of holders, by
// one placement or one eviction for each chain and pass. A chain that is being moved gets
// placements only.
func (d *diff) replicaCount() {
	for c := range d.chains() {
		if !d.leads(c) || d.decided[c.ID] {
			continue
		}
		switch {
		case d.short(c):
			if d.mayPlace(c) {
				d.addMove(c.ID, want{action: mesh.RequestPlacement{Chain: c.ID, Target: d.spreadTarget(c)}})
			}
		case c.HasDesired:
			d.evictSurplus(c)
		}
	}
}

// short reports whether a chain needs another holder: fewer holders than desired are live
// and stay, or this node is to hand it over and too few others hold it.
func (d *diff) short(c state.Chain) bool {
	if d.s.GivesUpReplicas() && c.HeldBy(d.s.Node()) && len(d.othersLive(c)) < c.Required() {
		return true
	}
	if !c.HasDesired {
		return false
	}
	_, staying := d.count(c)
	return staying < int(c.Desired)
}

// mayPlace reports whether this node may ask for a placement: while it is Active, or to hand
// over a chain that it holds.
func (d *diff) mayPlace(c state.Chain) bool {
	return d.s.Active() || (d.s.GivesUpReplicas() && c.HeldBy(d.s.Node()))
}

// evictSurplus wants an eviction if a chain has too many holders.
func (d *diff) evictSurplus(c state.Chain) {
	if live, _ := d.count(c); live <= c.Required() {
		return
	}
	if _, moving := d.s.Rebalancing(c.ID); moving {
		return
	}
	if victim, ok := d.victim(c); ok {
		d.addMove(c.ID, want{action: mesh.RequestEviction{Chain: c.ID, Victim: victim}})
	}
}

// victim returns the holder to evict: first one that was lost and came back, then one that
// is not live, then one in maintenance or cordoned, then an avoided one, then one with the value
// of its label that has the most holders if the chain is spread, then the one with the lowest score, then the one with the highest id. This node, which leads the chain, is
// evicted only if it is the last.
func (d *diff) victim(c state.Chain) (mesh.NodeID, bool) {
	candidates := slices.DeleteFunc(slices.Clone(c.Holders), func(n mesh.NodeID) bool {
		return n == d.s.Node() && len(c.Holders) > 1
	})
	if len(candidates) == 0 {
		return 0, false
	}
	var holders map[string]int
	if d.spreads(c) {
		holders = d.crowds(c)
	}
	crowd := func(n mesh.NodeID) int { return holders[d.labelOf(c, n)] }
	return slices.MinFunc(candidates, func(a, b mesh.NodeID) int {
		return cmp.Or(
			trueFirst(d.s.Returned(c.ID, a), d.s.Returned(c.ID, b)),
			trueFirst(!d.s.Live(a), !d.s.Live(b)),
			trueFirst(d.outOfService(a), d.outOfService(b)),
			trueFirst(d.s.Avoids(a), d.s.Avoids(b)),
			cmp.Compare(crowd(b), crowd(a)),
			cmp.Compare(d.score(c.ID, a), d.score(c.ID, b)),
			cmp.Compare(b, a),
		)
	}), true
}

// outOfService reports whether operators took a node out of service.
func (d *diff) outOfService(n mesh.NodeID) bool { return d.s.InMaintenance(n) || d.s.Cordoned(n) }

// score returns the score of a holder to sort by. One without a score counts as the best.
func (d *diff) score(id mesh.ChainID, n mesh.NodeID) float32 {
	if score, ok := d.s.Score(id, n); ok {
		return score
	}
	return 1
}

// trueFirst orders true before false.
func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
