package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// sheet is what one probe says of one node, fact by fact.
type sheet struct {
	probe string
	facts mesh.Inventory // without ages
	// measured is when each fact was measured; of those that last, when it was said.
	measured [mesh.Facts]mesh.Time
	said     [mesh.Facts]uint64 // which of all answers of probes said it last
	renewed  mesh.Time          // when the probe said anything of the node
	kept     bool               // it counts without being renewed
}

// inventory is what the sheets of one node say together. The zero value knows nothing.
type inventory struct {
	sheets []*sheet // in the order in which the probes first said something

	// What follows is made from the sheets. It is replaced, never changed: snapshots have it.
	facts    *mesh.Inventory
	measured *[mesh.Facts]mesh.Time
}

// known reports whether any probe says anything of the node.
func (v *inventory) known() bool { return v.facts != nil }

// of returns the sheet of a probe, or nil.
func (v *inventory) of(probe string) *sheet {
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
	own.facts.Node, own.renewed = in.Node, from.at
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
func (v *inventory) keep(probe string, kept bool, now mesh.Time) {
	if own := v.of(probe); own != nil && own.kept != kept {
		own.kept, own.renewed = kept, now
	}
}

// without drops what a probe says of the node, and reports whether it said anything.
func (v *inventory) without(probe string) bool {
	n := len(v.sheets)
	v.sheets = slices.DeleteFunc(v.sheets, func(s *sheet) bool { return s.probe == probe })
	return len(v.sheets) != n
}

// expire drops the facts that are too old, and reports whether there were any.
func (v *inventory) expire(now mesh.Time, ttl time.Duration) (any bool) {
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
func (s *State) applyInventory(from origin, invs []mesh.Inventory, complete bool) {
	if len(invs) == 0 && !complete {
		return
	}
	reported := make(map[mesh.NodeID]bool, len(invs))
	for _, in := range invs {
		p := s.peers.ensure(in.Node)
		s.sheets[in.Node] = true
		p.inventory.take(in, from, complete)
		p.inventory.expire(s.now, s.policy.SampleTTL)
		p.inventory.combine()
		reported[in.Node] = true
	}
	for id := range s.sheets {
		p := s.peers.get(id)
		if !reported[id] && p.inventory.without(from.probe) {
			s.peers.touch(id, p)
			p.inventory.combine()
			if len(p.inventory.sheets) == 0 {
				delete(s.sheets, id)
			}
			s.sweepPeer(id, p)
		}
	}
}
