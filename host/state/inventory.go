package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// sheet is what one probe says of one node, fact by fact.
type sheet struct {
	probe probe
	facts mesh.Inventory // without ages
	// measured is when each fact was measured; of those that last, when it was said.
	measured [mesh.Facts]mesh.Time
	said     [mesh.Facts]uint64 // which of all answers of probes said it last
	renewed  mesh.Time          // when the probe said anything of the node
	answer   uint64             // in which of all answers of probes
	kept     bool               // it counts without being renewed
}

// inventory is what the sheets of one node say together. The zero value knows nothing.
type inventory struct {
	sheets []*sheet // in the order in which the probes first said something

	// What follows is made from the sheets. It is replaced, never changed: snapshots have it.
	facts    *mesh.Inventory
	measured *[mesh.Facts]mesh.Time
}

// editInventory returns the inventory of a peer for writing.
func (p *peer) editInventory() *inventory {
	if p.inventory == nil {
		p.inventory = new(inventory)
	}
	return p.inventory
}

// known reports whether any probe says anything of the node.
func (v *inventory) known() bool { return v != nil && v.facts != nil }

// empty reports whether no probe says anything of the node.
func (v *inventory) empty() bool { return v == nil || len(v.sheets) == 0 }

// of returns the sheet of a probe, or nil.
func (v *inventory) of(probe probe) *sheet {
	if v == nil {
		return nil
	}
	if i := slices.IndexFunc(v.sheets, func(s *sheet) bool { return s.probe == probe }); i >= 0 {
		return v.sheets[i]
	}
	return nil
}

// take takes over what a probe says of the node. If the answer is complete, what the probe
// said earlier and does not say now is no longer true.
func (v *inventory) take(in mesh.Inventory, from origin, complete bool) {
	own := v.of(from.probe)
	if own == nil {
		own = &sheet{probe: from.probe}
		v.sheets = append(v.sheets, own)
	}
	own.facts.Node, own.renewed, own.answer = in.Node, from.at, from.answer
	in.Capabilities = slices.Compact(slices.Sorted(slices.Values(in.Capabilities)))
	for f := range mesh.Facts {
		if !in.Has(f) && !complete {
			continue
		}
		own.facts.Take(f, &in)
		own.said[f], own.measured[f] = from.answer, from.at
		if !f.Lasting() {
			own.measured[f] = from.at.Add(-in.Ages[f])
		}
	}
}

// keep has what a probe says of the node count without being renewed, or not any more.
func (v *inventory) keep(probe probe, kept bool, now mesh.Time) {
	if own := v.of(probe); own != nil && own.kept != kept {
		own.kept, own.renewed = kept, now
	}
}

// without drops what a probe says of the node, and reports whether it said anything.
func (v *inventory) without(probe probe) bool {
	if v == nil {
		return false
	}
	n := len(v.sheets)
	v.sheets = slices.DeleteFunc(v.sheets, func(s *sheet) bool { return s.probe == probe })
	return len(v.sheets) != n
}

// expire drops the facts that are too old, and reports whether there were any.
func (v *inventory) expire(now mesh.Time, ttl time.Duration) (any bool) {
	if v == nil {
		return false
	}
	for _, s := range v.sheets {
		for f := range mesh.Facts {
			if !s.kept && s.facts.Has(f) && now.Sub(s.measured[f]) >= ttl {
				s.facts.Take(f, &mesh.Inventory{})
				any = true
			}
		}
	}
	n := len(v.sheets)
	v.sheets = slices.DeleteFunc(v.sheets, func(s *sheet) bool { return !s.kept && now.Sub(s.renewed) >= ttl })
	return any || len(v.sheets) != n
}

// due adds when the next fact is too old.
func (v *inventory) due(next *soonest, ttl time.Duration) {
	for _, s := range v.sheets {
		if s.kept {
			continue
		}
		next.add(s.renewed.Add(ttl))
		for f := range mesh.Facts {
			if s.facts.Has(f) {
				next.add(s.measured[f].Add(ttl))
			}
		}
	}
}

// combine makes what is known from what the probes say: each fact is that of the probe that
// said it last.
func (v *inventory) combine() {
	if v == nil {
		return
	}
	if len(v.sheets) == 0 {
		*v = inventory{}
		return
	}
	out, measured := &mesh.Inventory{Node: v.sheets[0].facts.Node}, new([mesh.Facts]mesh.Time)
	for f := range mesh.Facts {
		var last uint64
		for _, s := range v.sheets {
			if s.facts.Has(f) && s.said[f] > last {
				out.Take(f, &s.facts)
				last, measured[f] = s.said[f], s.measured[f]
			}
		}
	}
	v.facts, v.measured = out, measured
}

// applyInventory takes over what a probe says of nodes. Of those that it leaves out, what it
// said earlier goes; an answer that is empty and not complete does not say that.
func (s *State) applyInventory(by *saidBy, from origin, invs []mesh.Inventory, complete bool) {
	if len(invs) == 0 && !complete {
		return
	}
	for _, in := range invs {
		p := s.peers.ensure(in.Node)
		first := p.inventory.of(by.probe) == nil
		p.editInventory().take(in, from, complete)
		p.inventory.expire(s.now, s.policy.SampleTTL)
		p.inventory.combine()
		if first {
			s.noteSaid(&by.inventory, in.Node)
		}
	}
	s.dropUnsaid(&by.inventory, func(p *peer) (had, dropped bool) {
		own := p.inventory.of(by.probe)
		if own == nil || own.answer == from.answer {
			return own != nil, false
		}
		p.inventory.without(by.probe)
		p.inventory.combine()
		return true, true
	})
}
