package state

import "github.com/meshos/meshos/host/mesh"

// EndPass closes a pass. RTTs that came as events count as judged now, but for
// those of peers whose mark was wanted and could not be handed out; a frozen
// pass judged nothing.
func (s *State) EndPass(unmet map[mesh.ActionKey]bool) {
	if _, frozen := s.Frozen(); frozen {
		return
	}
	for id, p := range s.peers.all() {
		if p.hasReported && !unmet[mesh.MarkAvoid{Peer: id}.Key()] {
			p.reported, p.hasReported = 0, false
		}
	}
}
