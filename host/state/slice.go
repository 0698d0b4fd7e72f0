package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// sliceWithin is the time within which the slices have been through everything, if the ticks
// are on time. It leaves a margin to the ten minutes that are promised.
const sliceWithin = 9 * time.Minute

// Slice is a part of all daemons, chains and peers, which a regular tick looks at although
// nothing touched them: a mark that was forgotten somewhere would else leave one of them as it
// is for ever. Where the slice of a tick is follows from the number of the tick. Ids are
// ascending.
type Slice struct {
	Daemons []mesh.DaemonID
	Chains  []mesh.ChainID
	Peers   []mesh.NodeID
	Avoided []mesh.NodeID // entries of the avoid list
}

// Slice returns the slice of the tick that was folded last; it is empty for an early one. It is
// valid until the next tick.
func (s *State) Slice() Slice { return s.slice }

// Slices returns in how many ticks the slices are through.
func (p Policy) Slices() uint64 {
	interval := p.TickInterval
	if interval <= 0 {
		interval = time.Second
	}
	return uint64(max(1, sliceWithin/interval))
}

// takeSlice chooses the slice of this tick, and has the tick look at it.
func (s *State) takeSlice() {
	of := s.policy.Slices()
	k := s.ticks % of
	s.slice.Daemons = s.daemons.takeSlice(s.slice.Daemons, k, of)
	s.slice.Chains = s.chains.takeSlice(s.slice.Chains, k, of)
	s.slice.Peers = s.peers.takeSlice(s.slice.Peers, k, of)
	s.slice.Avoided = s.avoid.takeSlice(s.slice.Avoided, k, of)
}

// noSlice is takeSlice for an early tick.
func (s *State) noSlice() {
	s.daemons.quiet, s.peers.quiet = s.daemons.quiet[:0], s.peers.quiet[:0]
	s.slice = Slice{s.slice.Daemons[:0], s.slice.Chains[:0], s.slice.Peers[:0], s.slice.Avoided[:0]}
}

// Missed records that a slice found something that no mark told of: it is counted, and a
// failure record says what it was about.
func (s *State) Missed(subject, what string) {
	s.missed++
	s.recordFailure("missed-mark:"+subject, subject+": "+what+". It was put right, but this is a mistake in the node: please report it")
}

// MissedMarks returns how often Missed was called.
func (s *State) MissedMarks() uint64 { return s.missed }

// takeSlice writes the keys of the k-th of n parts to ids, and touches them for the tick.
// Behind the first part, a part begins where the one before ended, so that nothing is left out
// when entries come and go meanwhile.
func (t *table[K, V, P]) takeSlice(ids []K, k, n uint64) []K {
	ids, t.quiet = ids[:0], t.quiet[:0]
	if k == 0 {
		t.sliced = false
	}
	rest := t.all()
	if t.sliced {
		rest = t.entries.After(t.slicedTo)
	}
	end, last := t.entries.Part(k+1, n)
	for key, v := range rest {
		if !last && key >= end {
			break
		}
		ids = append(ids, key)
		if !P(v).Marks().Has(marks.Tick) && t.marks.Follows(marks.Tick) {
			t.quiet = append(t.quiet, key)
		}
		t.marks.TouchFor(marks.Tick, key, P(v).Marks(), t.len())
		t.sliced, t.slicedTo = true, key
	}
	return ids
}

// unmarked reports whether the tick looks at an entry of the slice although nothing touched
// it and it was not due, as far as the marks tell.
func (t *table[K, V, P]) unmarked(k K, v *V) bool {
	if len(t.quiet) == 0 || P(v).Marks().Has(marks.Reconcile) || !t.marks.Follows(marks.Reconcile) {
		return false
	}
	_, quiet := slices.BinarySearch(t.quiet, k)
	return quiet
}
