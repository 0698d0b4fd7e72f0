package state

import (
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// noteReturn notes a node that was lost and is back in each chain that it holds: if a chain
// got another holder meanwhile, it is the one to evict.
func (s *State) noteReturn(n mesh.NodeID) {
	for id := range s.chainsOf.of(s, n) {
		c := s.chains.get(id)
		if c == nil || !c.view(id).HeldBy(n) || slices.Contains(c.seldom().returned, n) {
			continue
		}
		s.chains.touch(id, c)
		r := c.editRare()
		r.returned = append(r.returned, n)
	}
}

// tickChains goes through the chains that were touched or are due: it ends moves, and removes
// the notes of holders that are back once a chain does not have too many holders.
func (s *State) tickChains() {
	m := s.chains.marks.Of(marks.Tick)
	s.chains.marks.Taken(marks.Tick)
	for id, c := range s.chains.only(m) {
		if len(c.seldom().returned) == 0 {
			continue
		}
		if v := c.view(id); !c.is(chainDesired) || len(s.LiveHolders(v)) <= v.Required() {
			s.chains.touch(id, c)
			c.rare.returned = nil
		}
	}
	switch {
	case s.rebalances.len() == 0:
	case m.All:
		for id := range s.rebalances.all() {
			s.tickRebalance(id)
		}
	default:
		for _, id := range m.IDs {
			s.tickRebalance(id)
		}
	}
}

// Returned reports whether a holder of a chain was lost and is back, so that it is the one
// to evict if there are too many.
func (s *State) Returned(id mesh.ChainID, n mesh.NodeID) bool {
	c := s.chains.get(id)
	return c != nil && slices.Contains(c.seldom().returned, n)
}
