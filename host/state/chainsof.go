package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// chainsOf are, by node, the chains for which the node matters: those that it holds, those
// whose best alternative it is, and those that are being moved to it. A list may have chains
// for which the node matters no longer, and some twice: that costs a needless decision and
// nothing else. Sets of chains would take several times the memory.
type chainsOf map[mesh.NodeID]*chainList

type chainList struct {
	ids   []mesh.ChainID
	clean int // how many there were when the list was tidied last
}

// add adds a chain to those for which a node matters.
func (l chainsOf) add(s *State, n mesh.NodeID, id mesh.ChainID) {
	list := l[n]
	if list == nil {
		list = &chainList{}
		l[n] = list
	}
	list.ids = append(list.ids, id)
	if len(list.ids) <= 2*list.clean+64 {
		return
	}
	slices.Sort(list.ids)
	list.ids = slices.DeleteFunc(slices.Compact(list.ids), func(c mesh.ChainID) bool { return !s.matters(n, c) })
	if list.clean = len(list.ids); list.clean == 0 {
		delete(l, n)
	}
}

// of returns the chains for which a node may matter.
func (l chainsOf) of(n mesh.NodeID) []mesh.ChainID {
	if list := l[n]; list != nil {
		return list.ids
	}
	return nil
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
