package reconcile

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// localReplicas pulls what this node should hold and does not, and drops what it
// should not hold or, while it is evacuated, what others hold enough of. A drop
// never takes a chain under what is wanted.
func (d *diff) localReplicas() {
	leaving := d.s.GivesUpReplicas()
	for c := range d.chains() {
		held := c.HeldBy(d.s.Node())
		switch {
		case held && (leaving || c.Hold == mesh.HoldDrop):
			if len(d.othersLive(c)) >= c.Required() {
				d.add(mesh.DropReplica{Chain: c.ID})
				// Also one that has to wait: if another replica went meanwhile, this
				// one would have to stay.
				d.removing[c.ID] = append(d.removing[c.ID], d.s.Node())
			}
		case !held && c.Hold == mesh.HoldKeep && d.s.MayPull():
			if source, ok := d.s.NearestHolder(c); ok {
				d.add(mesh.PullReplica{Chain: c.ID, Source: source})
			}
		}
	}
}

// othersLive lists the live holders of a chain but this node.
func (d *diff) othersLive(c state.Chain) []mesh.NodeID {
	return slices.DeleteFunc(d.live(c), func(n mesh.NodeID) bool { return n == d.s.Node() })
}
