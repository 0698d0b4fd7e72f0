package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// tickReturned notes the holders that were lost and are back: if their chain got another
// holder meanwhile, they are the ones to evict. A note is removed once its chain does not
// have too many holders.
func (s *State) tickReturned() {
	for id, p := range s.peers.all() {
		switch live := s.Live(id); {
		case !live:
			if !p.lost {
				s.peers.touch(id, p)
				p.lost = true
			}
		case p.lost:
			s.peers.touch(id, p)
			p.lost = false
			s.noteReturn(id)
			s.sweepPeer(id, p)
		}
	}
	s.returning = slices.DeleteFunc(s.returning, func(id mesh.ChainID) bool {
		c := s.chains.get(id)
		if c == nil {
			return true
		}
		v := c.view(id)
		if c.hasDesired && len(s.LiveHolders(v)) > v.Required() {
			return false
		}
		s.chains.touch(id, c)
		c.returned = nil
		return true
	})
}

// noteReturn notes a node that is back in each chain that it holds.
func (s *State) noteReturn(n mesh.NodeID) {
	for id, c := range s.chains.all() {
		if v := c.view(id); !v.HeldBy(n) {
			continue
		}
		if len(c.returned) == 0 {
			s.returning = append(s.returning, id)
		}
		if !slices.Contains(c.returned, n) {
			s.chains.touch(id, c)
			c.returned = append(c.returned, n)
		}
	}
}

// Returned reports whether a holder of a chain was lost and is back, so that it is the one
// to evict if there are too many.
func (s *State) Returned(id mesh.ChainID, n mesh.NodeID) bool {
	c := s.chains.get(id)
	return c != nil && slices.Contains(c.returned, n)
}
