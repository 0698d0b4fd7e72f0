package loop

import (
	"context"

	"github.com/meshos/meshos/host/mesh"
)

// kind is what a source is asked for. The order is the order of folding.
type kind uint8

const (
	localityProbe kind = iota
	healthProbe
	inventoryProbe
	recoveryHandler
	migrationSource
)

// String gives the name that failure records use; it is the plugin kind's name.
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

// source is something outside that is asked at every tick. It is one registration:
// the same probe added twice is two sources.
type source struct {
	kind kind
	name string
	ask  func(ctx context.Context, healthy []mesh.NodeID) (answer, error)
}

// title names the source in records: "health_probe:health-tcp".
func (s *source) title() string { return s.kind.String() + ":" + s.name }

// answer is what a source gave to one call, or (err not empty) why it did not.
type answer struct {
	rtt        []mesh.RTTSample
	health     []mesh.HealthSample
	inventory  []mesh.Inventory
	events     []mesh.Event
	migrations []mesh.Migration
	err        string
}

// samples turns a probe's answer into the core's input.
func (a *answer) samples(probe string) mesh.Samples {
	if a.err != "" {
		return mesh.Samples{Probe: probe, Err: a.err}
	}
	return mesh.Samples{Probe: probe, RTT: a.rtt, Health: a.health, Inventory: a.inventory}
}
