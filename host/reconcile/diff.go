package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Diff gives everything that should be done now, whether or not it was asked for
// before. A frozen cluster does nothing.
//
// The arms come in this order: daemons, forced evictions, forced placements,
// local replicas, replica count, locality, maintenance, rebalance.
func Diff(s *state.State) []mesh.Action {
	var out []mesh.Action
	for _, w := range decide(s).wants {
		out = append(out, w.action)
	}
	return out
}

func decide(s *state.State) *diff { return newDiff(s).decide() }

// decide runs all arms.
func (d *diff) decide() *diff {
	if _, frozen := d.s.Frozen(); frozen {
		return d
	}
	d.daemons()
	d.forcedEvictions()
	d.forcedPlacements()
	d.localReplicas()
	d.replicaCount()
	d.locality()
	d.maintenance()
	d.rebalance()
	return d
}
