package loop

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// core is the pure half of the node as the loop sees it. All calls come from the
// loop's goroutine, with stamps that never go back.
type core interface {
	// Apply folds one input and says what somebody outside must do because of it.
	Apply(at mesh.Stamp, in mesh.Input) []state.Effect
	// Pass folds the tick, reconciles once and hands out at most room actions.
	Pass(at mesh.Stamp, room int) reconcile.Result
	// Snapshot builds the view that readers get.
	Snapshot(at mesh.Stamp) *snapshot.Snapshot
	// Look shows the state to somebody who reads it and keeps nothing of it.
	Look(visit func(*state.State))
}

// node is the core of a real node.
type node struct{ *state.State }

func (n node) Pass(at mesh.Stamp, room int) reconcile.Result {
	return reconcile.Pass(n.State, at, room)
}

func (n node) Snapshot(at mesh.Stamp) *snapshot.Snapshot { return snapshot.Build(n.State, at) }

func (n node) Look(visit func(*state.State)) { visit(n.State) }
