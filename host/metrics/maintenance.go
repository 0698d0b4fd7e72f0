package metrics

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// maintenance is the metrics of what an operator has ordered for the whole node.
type maintenance struct {
	phase, since, waiting, cordoned, draining, frozen, freezeLeft family
	phases                                                        map[mesh.MaintenancePhase]string
}

func newMaintenance() *maintenance {
	return &maintenance{
		phase:      gauge("maintenance_phase", "1 for the present phase of maintenance, 0 for the others.", "phase"),
		since:      gauge("maintenance_phase_seconds", "For how long the node has been in its phase, or draining; absent while it is neither in maintenance nor draining."),
		waiting:    gauge("maintenance_waiting_for", "Chains and daemons for whose end the maintenance or the drain waits."),
		cordoned:   gauge("cordoned", "1 while this node is cordoned."),
		draining:   gauge("draining", "1 while this node is drained."),
		frozen:     gauge("frozen", "1 while acting is frozen."),
		freezeLeft: gauge("freeze_remaining_seconds", "How long the freeze goes on; 0 if there is none."),
		phases: map[mesh.MaintenancePhase]string{
			mesh.PhaseActive:      "active",
			mesh.PhaseEntering:    "entering",
			mesh.PhaseMaintenance: "maintenance",
			mesh.PhaseExiting:     "exiting",
			mesh.PhaseDrainFailed: "drain_failed",
			mesh.PhaseRecovery:    "recovery",
		},
	}
}

func (m *maintenance) families() []family {
	return []family{m.phase, m.since, m.waiting, m.cordoned, m.draining, m.frozen, m.freezeLeft}
}

func (m *maintenance) collect(out scrape, snap *snapshot.Snapshot) {
	now := snap.Maintenance
	setOne(out, m.phase, now.Phase, m.phases)
	setIf(out, m.since, now.Since.Since(snap.Now), perSecond)
	out.set(m.waiting, float64(now.Waiting.Len()))
	out.set(m.cordoned, truth(now.Cordoned))
	out.set(m.draining, truth(now.Draining))
	out.set(m.frozen, truth(snap.Frozen.Set()))
	left := 0.0
	if remaining := snap.Frozen.Until(snap.Now); remaining != nil {
		left = remaining.Seconds()
	}
	out.set(m.freezeLeft, left)
}

// perSecond scales a duration to seconds.
const perSecond = 1e-9
