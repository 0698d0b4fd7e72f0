package state

import (
	"iter"
	"slices"

	"github.com/meshos/meshos/host/entries"
	"github.com/meshos/meshos/host/mesh"
)

// chainsOf are, by node, the chains for which the node matters: those that it holds, those
// whose best alternative it is, and those that are being moved to it. A list may have chains
// for which the node matters no longer, and some twice: that costs a needless decision and
// nothing else. Sets of chains would take several times the memory.
type chainsOf map[mesh.NodeID]*chainList

type chainList struct {
	places []entries.Place // in the table of chains
	clean  int             // how many there were when the list was tidied last
}

// add adds a chain to those for which a node matters.
func (l chainsOf) add(s *State, n mesh.NodeID, id mesh.ChainID) {
	place, known := s.chains.entries.Place(id)
	if !known {
		return
	}
	list := l[n]
	if list == nil {
		list = &chainList{}
		l[n] = list
	}
	list.places = append(list.places, place)
	if len(list.places) <= 2*list.clean+64 {
		return
	}
	slices.Sort(list.places)
	list.places = slices.DeleteFunc(slices.Compact(list.places), func(p entries.Place) bool {
		id, _ := s.chains.entries.At(p)
		return !s.matters(n, id)
	})
	if list.clean = len(list.places); list.clean == 0 {
		delete(l, n)
	}
}

// of yields the chains for which a node may matter.
func (l chainsOf) of(s *State, n mesh.NodeID) iter.Seq[mesh.ChainID] {
	return func(yield func(mesh.ChainID) bool) {
		list := l[n]
		if list == nil {
			return
		}
		for _, p := range list.places {
			if id, _ := s.chains.entries.At(p); id != 0 && !yield(id) {
				return
			}
		}
	}
}

// matters reports whether a node matters for a chain.
func (s *State) matters(n mesh.NodeID, id mesh.ChainID) bool {
	c := s.chains.get(id)
	if c == nil {
		return false
	}
	if c.view(id).HeldBy(n) || s.bestOf(id, c) == n {
		return true
	}
	r := s.rebalances.get(id)
	return r != nil && r.Target == n
}
