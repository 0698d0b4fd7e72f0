package reconcile

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// maintenance moves this node's maintenance machine: to Maintenance when nothing is left
// here, to DrainFailed when that took too long, to Recovery when the daemons are back, and
// to Active after the ramp.
func (d *diff) maintenance() {
	m := d.s.Maintenance()
	switch m.Phase {
	case mesh.PhaseEntering:
		switch {
		case !d.s.MayBeOver():
		case len(d.s.WaitingFor()) == 0:
			d.commit(mesh.PhaseMaintenance, "")
		case m.HasDeadline && d.s.Now() >= m.Deadline:
			d.commit(mesh.PhaseDrainFailed, fmt.Sprintf("drain deadline elapsed after %d ms", d.s.Now().Since(m.Since).Milliseconds()))
		}
	case mesh.PhaseExiting:
		if len(d.s.WaitingFor()) == 0 {
			d.commit(mesh.PhaseRecovery, "")
		}
	case mesh.PhaseRecovery:
		if d.s.Now().Since(m.Since) >= d.s.Policy().RecoveryRamp {
			d.commit(mesh.PhaseActive, "")
		}
	}
}

func (d *diff) commit(to mesh.MaintenancePhase, reason string) {
	d.add(mesh.CommitTransition{Node: d.s.Node(), Target: to, Reason: reason})
}
