package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// EndPass ends a pass. It marks the RTTs that came as events as judged, except those of
// peers whose MarkAvoid was wanted and could not be handed out. During a freeze none was
// judged.
func (s *State) EndPass(unmet func(mesh.NodeID) bool) {
	if _, frozen := s.Frozen(); frozen {
		return
	}
	s.reported = slices.DeleteFunc(s.reported, func(id mesh.NodeID) bool {
		p := s.peers.get(id)
		switch {
		case p == nil || !p.hasReported:
			return true
		case unmet(id):
			return false
		}
		s.peers.touch(id, p)
		p.reported, p.hasReported = 0, false
		return true
	})
}
