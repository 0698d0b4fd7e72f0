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
	// Apply folds one input and returns what somebody outside must do because of it.
	Apply(at mesh.Stamp, in mesh.Input) []state.Effect
	// Pass folds the tick, a regular or an early one, reconciles once and hands out at most
	// free actions.
	Pass(at mesh.Stamp, free int, early bool) reconcile.Result
	// Snapshot builds the view that readers get.
	Snapshot(at mesh.Stamp) *snapshot.Snapshot
	// Read shows the state to visit, which only reads it and keeps nothing of it.
	Read(visit func(*state.State))
}

// node is the core of a real node.
type node struct {
	*state.State
	passes *reconcile.Reconciler
	views  *snapshot.Builder
}

func newNode(s *state.State) node {
	return node{State: s, passes: reconcile.New(s), views: snapshot.NewBuilder()}
}

func (n node) Pass(at mesh.Stamp, free int, early bool) reconcile.Result {
	if early {
		return n.passes.EarlyPass(at, free)
	}
	return n.passes.Pass(at, free)
}

func (n node) Snapshot(at mesh.Stamp) *snapshot.Snapshot { return n.views.Build(n.State, at) }

func (n node) Read(visit func(*state.State)) { visit(n.State) }
