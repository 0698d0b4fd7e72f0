package executor

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Router is the dispatcher of a node without actuators. It starts and stops
// daemons. What the host itself carries out (peers to avoid, gates of daemons,
// maintenance phases) succeeds at once: the state applies it when it folds the
// outcome. For everything else it gives a *NoActuatorError.
type Router struct {
	daemons Daemons
	now     func() mesh.Time
}

// NewRouter gives a Router. now is the loop's clock, in which actions carry their
// deadlines.
func NewRouter(daemons Daemons, now func() mesh.Time) *Router {
	return &Router{daemons: daemons, now: now}
}

// Dispatch implements Dispatcher.
func (r *Router) Dispatch(ctx context.Context, e mesh.Emitted) error {
	switch a := e.Action.(type) {
	case mesh.StartDaemon:
		return r.daemons.Start(ctx, a.Daemon)
	case mesh.StopDaemon:
		return r.daemons.Stop(ctx, a.Daemon, a.Reason, r.now().Until(a.Deadline))
	case mesh.MarkAvoid, mesh.ApplyBackoff, mesh.CommitTransition:
		return nil
	}
	return &NoActuatorError{Kind: e.Action.Kind()}
}

// NoActuatorError says that nothing on this node can carry out a kind of action.
type NoActuatorError struct{ Kind string }

// Error implements error.
func (e *NoActuatorError) Error() string {
	return fmt.Sprintf("nothing carries out %s on this node: a plugin of kind \"actuator\" for %s is missing; "+
		"add one as a [[plugin]] to the configuration", e.Kind, e.Kind)
}
