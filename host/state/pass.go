package state

import "github.com/meshos/meshos/host/mesh"

// EndPass ends a pass. It marks the RTTs that came as events as judged, except those of
// peers whose MarkAvoid was wanted and could not be handed out. During a freeze none was
// judged.
func (s *State) EndPass(unmet map[mesh.ActionKey]bool) {
	if _, frozen := s.Frozen(); frozen {
		return
	}
	for id, p := range s.peers.all() {
		if p.hasReported && !unmet[mesh.MarkAvoid{Peer: id}.Key()] {
			s.peers.touch(id, p)
			p.reported, p.hasReported = 0, false
		}
	}
}
