package snapshot

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// shownAge is the age from which a fact is shown with it: a probe that is well measures more
// often, and then an age tells nothing but when the last tick was.
const shownAge = 3 * time.Second

// InventoryAt returns the inventory of a node, with the ages of the facts that are older than
// a probe that is well would leave them; nil if it has none. It must not be written to.
func (p *Peer) InventoryAt(now mesh.Time) *mesh.Inventory {
	out := p.Inventory
	if out == nil || p.Measured == nil {
		return out
	}
	for f := range mesh.Facts {
		age := now.Sub(p.Measured[f])
		if age < shownAge || f.Lasting() || !out.Has(f) {
			continue
		}
		if out == p.Inventory { // which is shared
			out = new(mesh.Inventory)
			*out = *p.Inventory
		}
		out.Ages[f] = age
	}
	return out
}
