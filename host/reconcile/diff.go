package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Diff gives everything that should be done now, whether or not it was asked for
// before. A frozen cluster does nothing.
//
// The arms come in this order: daemons, forced evictions, forced placements,
// local replicas, replica count, locality, maintenance, rebalance.
func Diff(s *state.State) []mesh.Action {
	if _, frozen := s.Frozen(); frozen {
		return nil
	}
	var out []mesh.Action
	out = daemons(s, out)
	out = locality(s, out)
	return out
}
