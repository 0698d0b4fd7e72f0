package reconcile

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// localReplicas pulls the chains that this node should hold and does not. It drops those
// that it should not hold and, while it is evacuated, all others too, once enough other
// nodes hold them.
func (d *diff) localReplicas() {
	leaving := d.s.GivesUpReplicas()
	for c := range d.chains() {
		held := c.HeldBy(d.s.Node())
		switch {
		case held && (leaving || c.Hold == mesh.HoldDrop):
			if len(d.othersLive(c)) >= c.Required() {
				d.add(mesh.DropReplica{Chain: c.ID})
				// A drop that has to wait counts too: if another replica were
				// removed meanwhile, this one would have to stay.
				d.removing[c.ID] = append(d.removing[c.ID], d.s.Node())
			}
		case !held && c.Hold == mesh.HoldKeep && d.s.MayPull():
			if d.s.HasSource(c) {
				d.add(mesh.PullReplica{Chain: c.ID})
			}
		}
	}
}

// othersLive returns the live holders of a chain except this node.
func (d *diff) othersLive(c state.Chain) []mesh.NodeID {
	return slices.DeleteFunc(d.live(c), func(n mesh.NodeID) bool { return n == d.s.Node() })
}
