package executor

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Router is the dispatcher of a node. Some kinds the host carries out itself, whatever
// plugins there are: it starts, stops, reloads and signals daemons; and MarkAvoid, ApplyBackoff and
// CommitTransition succeed at once, since the state applies them when it folds the
// outcome. Everything else goes to the actuator for its kind.
type Router struct {
	daemons   Daemons
	actuators func(kind string) (Actuator, bool)
	now       func() mesh.Time
}

// NewRouter makes a Router. actuators returns what carries out a kind of action at
// present, false if nothing does; it is called for every action that the host does not
// carry out itself, from several goroutines. now reads the loop's clock, in which
// actions carry their deadlines.
func NewRouter(daemons Daemons, actuators func(kind string) (Actuator, bool), now func() mesh.Time) *Router {
	return &Router{daemons: daemons, actuators: actuators, now: now}
}

// Dispatch implements Dispatcher. It returns a *NoActuatorError for an action that
// nothing on this node carries out.
func (r *Router) Dispatch(ctx context.Context, e mesh.Emitted) error {
	switch a := e.Action.(type) {
	case mesh.StartDaemon:
		return r.daemons.Start(ctx, a.Daemon)
	case mesh.StopDaemon:
		return r.daemons.Stop(ctx, a.Daemon, a.Reason, r.now().Until(a.Deadline))
	case mesh.AskReload:
		return r.daemons.Reload(ctx, a.Daemon)
	case mesh.SendSignal:
		return r.daemons.Signal(ctx, a.Daemon, a.Signal)
	case mesh.MarkAvoid, mesh.ApplyBackoff, mesh.CommitTransition:
		return nil
	}
	kind := e.Action.Kind()
	if actuator, ok := r.actuators(kind); ok {
		return actuator.Dispatch(ctx, e)
	}
	return &NoActuatorError{Kind: kind}
}

// NoActuatorError means that nothing on this node carries out a kind of action.
type NoActuatorError struct{ Kind string }

// Error implements error.
func (e *NoActuatorError) Error() string {
	return fmt.Sprintf("nothing carries out %s on this node: a plugin of kind \"actuator\" for %s is missing; "+
		"add one as a [[plugin]] to the configuration", e.Kind, e.Kind)
}
