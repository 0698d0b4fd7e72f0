package reconcile

import "github.com/meshos/meshos/host/state"

// decide returns what should be done now, whether or not it was handed out before. It does
// not change the state. A frozen cluster does nothing.
func decide(s *state.State) *diff { return newDiff(s).decide() }

// decide runs all arms, in their order.
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
