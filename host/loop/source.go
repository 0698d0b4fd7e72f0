package loop

import (
	"context"

	"github.com/meshos/meshos/host/mesh"
)

// kind is what a source is called for. Answers are folded in the order of the kinds.
type kind uint8

const (
	localityProbe kind = iota
	healthProbe
	inventoryProbe
	recoveryHandler
	migrationSource
)

// String returns the name that failure records use; it is the plugin kind's name.
func (k kind) String() string {
	switch k {
	case localityProbe:
		return "locality_probe"
	case healthProbe:
		return "health_probe"
	case inventoryProbe:
		return "inventory_probe"
	case recoveryHandler:
		return "recovery_handler"
	case migrationSource:
		return "migration_source"
	}
	return "unknown"
}

// source is something outside the loop that is called at every tick. It is one
// registration: the same probe added twice is two sources.
type source struct {
	kind kind
	name string
	ask  func(ctx context.Context, healthy []mesh.NodeID) (answer, error)
	// folded is called with the samples of a locality probe that nobody reads any more;
	// nil if it does not want them.
	folded func(samples []mesh.RTTSample)
}

// title returns the name of the source in records, such as "health_probe:health-tcp".
func (s *source) title() string { return s.kind.String() + ":" + s.name }

// answer is what a source returned from one call or, if err is not empty, why it failed.
type answer struct {
	rtt        mesh.RTTAnswer
	health     mesh.HealthAnswer
	inventory  mesh.InventoryAnswer
	migrations []mesh.Migration
	err        string
}

// samples returns a probe's answer as an input for the core.
func (a *answer) samples(probe string) mesh.Samples {
	if a.err != "" {
		return mesh.Samples{Probe: probe, Err: a.err}
	}
	return mesh.Samples{
		Probe: probe, RTT: a.rtt.Samples, Health: a.health.Samples, Inventory: a.inventory.Samples,
		RTTComplete: a.rtt.Complete, HealthComplete: a.health.Complete, InventoryComplete: a.inventory.Complete,
	}
}
