package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// tickReturned notes the holders that were lost and are back: where their chain
// was refilled meanwhile they are the ones that are too many. A note goes once its
// chain has not too many holders.
func (s *State) tickReturned() {
	for id, p := range s.peers.all() {
		switch live := s.Live(id); {
		case !live:
			p.lost = true
		case p.lost:
			p.lost = false
			s.returned(id)
			s.sweepPeer(id, p)
		}
	}
	s.returning = slices.DeleteFunc(s.returning, func(id mesh.ChainID) bool {
		c := s.chains.get(id)
		if c == nil {
			return true
		}
		v := c.view(id)
		if c.wished && len(s.LiveHolders(v)) > v.Wanted() {
			return false
		}
		c.returned = nil
		return true
	})
}

func (s *State) returned(n mesh.NodeID) {
	for id, c := range s.chains.all() {
		if v := c.view(id); !v.HeldBy(n) {
			continue
		}
		if len(c.returned) == 0 {
			s.returning = append(s.returning, id)
		}
		if !slices.Contains(c.returned, n) {
			c.returned = append(c.returned, n)
		}
	}
}

// Returned says whether a holder of a chain was lost, is back, and may be the one
// too many.
func (s *State) Returned(id mesh.ChainID, n mesh.NodeID) bool {
	c := s.chains.get(id)
	return c != nil && slices.Contains(c.returned, n)
}
