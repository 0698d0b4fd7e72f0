package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Diff returns the actions that the arms want.
func Diff(s *state.State) []mesh.Action {
	var out []mesh.Action
	for _, w := range decide(s).wants {
		out = append(out, complete(s, w))
	}
	return out
}
