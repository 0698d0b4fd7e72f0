package loop

import (
	"context"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/mesh"
)

// LocalityProbe measures round-trip times. It is called once per tick, in a goroutine
// of its own, and not again before it returned. An error means that the probe is
// broken; a peer that does not answer is just missing in the samples.
type LocalityProbe interface {
	// Name returns whose samples these are; it must not change.
	Name() string
	// SampleRTT returns what is known now. ctx has a deadline and ends with the loop.
	SampleRTT(ctx context.Context) (mesh.RTTAnswer, error)
}

// sampleOwner is a LocalityProbe that uses the memory of its samples again, once they are folded.
type sampleOwner interface {
	Folded(samples []mesh.RTTSample)
}

// HealthProbe judges the health of peers. It is called like a LocalityProbe.
type HealthProbe interface {
	Name() string
	SampleHealth(ctx context.Context) (mesh.HealthAnswer, error)
}

// InventoryProbe describes nodes. It is called like a LocalityProbe.
type InventoryProbe interface {
	Name() string
	SampleInventory(ctx context.Context) (mesh.InventoryAnswer, error)
}

// Probes are the probes that a loop calls: those of locality first, then health, then
// inventory, each in the order in which they were added. Changes take effect at the
// next tick. What a removed probe still answers is not folded. The zero value is empty
// and ready to use. Probes are safe for concurrent use.
type Probes struct {
	mu                          sync.Mutex
	locality, health, inventory []*source
}

// AddLocality adds a probe; remove removes it again.
func (p *Probes) AddLocality(probe LocalityProbe) (remove func()) {
	var folded func([]mesh.RTTSample)
	if owner, ok := probe.(sampleOwner); ok {
		folded = owner.Folded
	}
	return p.add(&p.locality, &source{
		kind: localityProbe, name: probe.Name(), folded: folded,
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			rtt, err := probe.SampleRTT(ctx)
			return answer{rtt: rtt}, err
		},
	})
}

// AddHealth adds a probe; remove removes it again.
func (p *Probes) AddHealth(probe HealthProbe) (remove func()) {
	return p.add(&p.health, &source{
		kind: healthProbe, name: probe.Name(),
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			health, err := probe.SampleHealth(ctx)
			return answer{health: health}, err
		},
	})
}

// AddInventory adds a probe; remove removes it again.
func (p *Probes) AddInventory(probe InventoryProbe) (remove func()) {
	return p.add(&p.inventory, &source{
		kind: inventoryProbe, name: probe.Name(),
		ask: func(ctx context.Context, _ []mesh.NodeID) (answer, error) {
			inventory, err := probe.SampleInventory(ctx)
			return answer{inventory: inventory}, err
		},
	})
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

// sources returns the probes in the order in which their answers are folded.
func (p *Probes) sources() []*source {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Concat(p.locality, p.health, p.inventory)
}
