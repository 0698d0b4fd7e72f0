package loop

import (
	"context"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/mesh"
)

// LocalityProbe measures round-trip times. It is asked once per tick, in a
// goroutine of its own, and not again before it returned. An error means that the
// probe is broken; a peer that does not answer is left out.
type LocalityProbe interface {
	// Name says whose samples these are; it must not change.
	Name() string
	// SampleRTT gives what is known now. ctx has a deadline and ends with the loop.
	SampleRTT(ctx context.Context) ([]mesh.RTTSample, error)
}

// HealthProbe judges the health of peers. It is asked like a LocalityProbe.
type HealthProbe interface {
	Name() string
	SampleHealth(ctx context.Context) ([]mesh.HealthSample, error)
}

// InventoryProbe describes nodes. It is asked like a LocalityProbe.
type InventoryProbe interface {
	Name() string
	SampleInventory(ctx context.Context) ([]mesh.Inventory, error)
}

// Counts says how many probes of each axis are registered.
type Counts struct{ Locality, Health, Inventory int }

// Probes are the probes that a loop asks: those of locality first, then health,
// then inventory, each in the order in which they were added. Changes take effect
// at the next tick. What a probe that is gone still answers is not folded. The
// zero value is empty and ready; it is safe for concurrent use.
type Probes struct {
	mu                          sync.Mutex
	locality, health, inventory []*source
}

// AddLocality adds a probe. remove takes it away again, and may be ignored.
func (p *Probes) AddLocality(probe LocalityProbe) (remove func()) {
	return p.add(&p.locality, &source{
		kind: localityProbe, name: probe.Name(),
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			rtt, err := probe.SampleRTT(ctx)
			return answer{rtt: rtt}, err
		},
	})
}

// AddHealth adds a probe. remove takes it away again, and may be ignored.
func (p *Probes) AddHealth(probe HealthProbe) (remove func()) {
	return p.add(&p.health, &source{
		kind: healthProbe, name: probe.Name(),
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			health, err := probe.SampleHealth(ctx)
			return answer{health: health}, err
		},
	})
}

// AddInventory adds a probe. remove takes it away again, and may be ignored.
func (p *Probes) AddInventory(probe InventoryProbe) (remove func()) {
	return p.add(&p.inventory, &source{
		kind: inventoryProbe, name: probe.Name(),
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			inventory, err := probe.SampleInventory(ctx)
			return answer{inventory: inventory}, err
		},
	})
}

// ClearLocality takes away every locality probe.
func (p *Probes) ClearLocality() { p.clear(&p.locality) }

// ClearHealth takes away every health probe.
func (p *Probes) ClearHealth() { p.clear(&p.health) }

// ClearInventory takes away every inventory probe.
func (p *Probes) ClearInventory() { p.clear(&p.inventory) }

// Counts says how many probes there are, all three at one moment.
func (p *Probes) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Counts{Locality: len(p.locality), Health: len(p.health), Inventory: len(p.inventory)}
}

func (p *Probes) add(axis *[]*source, src *source) (remove func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*axis = append(*axis, src)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		*axis = slices.DeleteFunc(*axis, func(other *source) bool { return other == src })
	}
}

func (p *Probes) clear(axis *[]*source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*axis = nil
}

// sources lists the probes in poll order, as they are at one moment.
func (p *Probes) sources() []*source {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Concat(p.locality, p.health, p.inventory)
}
