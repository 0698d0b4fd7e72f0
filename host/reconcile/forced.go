package reconcile

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// forcedEvictions carries out the evictions that operators forced, in the order in which
// they came, one for each chain and pass. A forced eviction may leave a single live holder,
// and never takes the last.
func (d *diff) forcedEvictions() {
	for _, order := range d.s.Forced() {
		if order.Place || d.decided[order.Chain] {
			continue
		}
		c, known := d.s.Chain(order.Chain)
		if !known || !d.leads(c) {
			continue
		}
		if why := d.mustKeep(c, order.Node); why != "" {
			d.refusals = append(d.refusals, refusal{order, why})
			continue
		}
		d.addMove(c.ID, want{action: mesh.RequestEviction{Chain: c.ID, Victim: order.Node}, forced: &order})
	}
}

// mustKeep returns why a holder must keep a chain even if its eviction is forced, or "".
// Evicting a node that does not hold the chain does no harm.
func (d *diff) mustKeep(c state.Chain, victim mesh.NodeID) string {
	if !c.HeldBy(victim) {
		return ""
	}
	if len(c.Holders) == 1 {
		return fmt.Sprintf("refused: node %d is the only holder of chain %d", victim, c.ID)
	}
	live := d.live(c)
	if left := slices.DeleteFunc(live, func(n mesh.NodeID) bool { return n == victim }); len(left) == 0 {
		return fmt.Sprintf("refused: without node %d chain %d has no live holder", victim, c.ID)
	}
	return ""
}

// forcedPlacements carries out the placements that operators forced, like forcedEvictions.
// Like every placement they wait until this node is Active.
func (d *diff) forcedPlacements() {
	if !d.s.Active() {
		return
	}
	for _, order := range d.s.Forced() {
		if !order.Place || d.decided[order.Chain] {
			continue
		}
		c, known := d.s.Chain(order.Chain)
		if !known || !d.leads(c) {
			continue
		}
		d.addMove(c.ID, want{action: mesh.RequestPlacement{Chain: c.ID, Target: order.Node}, forced: &order})
	}
}
