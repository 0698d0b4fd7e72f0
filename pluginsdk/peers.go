package pluginsdk

import "slices"

// spareFrom is the number of peers from which on a copy of them is made ahead. A goroutine for
// it costs more than the copy of fewer.
const spareFrom = 4096

// spare is a copy of the peers for the next call: an author may keep and change what a call
// gets. A large one takes longer to make than the rest of some calls.
type spare struct {
	of, peers []Peer
}

// peersForCall returns the peers for a call: a copy that belongs to the author, unless the probe
// only reads them.
func (s *Server) peersForCall() []Peer {
	if s.info.SharedPeers {
		return slices.Clip(s.peersNow())
	}
	s.mu.Lock()
	all, ahead := s.peers, s.spare
	s.spare = spare{}
	s.mu.Unlock()
	if len(all) > 0 && len(ahead.of) == len(all) && &ahead.of[0] == &all[0] {
		return ahead.peers
	}
	return slices.Clone(all)
}

// copyPeersAhead makes the copy for the next call while nobody waits for it. It is called at the
// end of a call.
func (s *Server) copyPeersAhead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.peers
	if len(all) < spareFrom || s.info.SharedPeers || s.closing {
		return
	}
	s.copying.Go(func() { // Close waits for it
		peers := slices.Clone(all)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.peers) == len(all) && &s.peers[0] == &all[0] {
			s.spare = spare{of: all, peers: peers}
		}
	})
}
