package executor

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Router is the dispatcher of a node. What the host does itself stays the host's,
// whatever plugins there are: it starts and stops daemons, and marked peers, gates
// of daemons and maintenance phases succeed at once, since the state applies them
// when it folds the outcome. Everything else goes to the actuator for its kind.
type Router struct {
	// Actuators, if set, gives what carries out a kind of action at present; false if
	// nothing does. It is asked for every action, from several goroutines. Set it
	// before the first action.
	Actuators func(kind string) (Actuator, bool)

	daemons Daemons
	now     func() mesh.Time
}

// NewRouter gives a Router without actuators. now is the loop's clock, in which
// actions carry their deadlines.
func NewRouter(daemons Daemons, now func() mesh.Time) *Router {
	return &Router{daemons: daemons, now: now}
}

// Dispatch implements Dispatcher. It gives a *NoActuatorError for an action that
// nothing on this node carries out.
func (r *Router) Dispatch(ctx context.Context, e mesh.Emitted) error {
	switch a := e.Action.(type) {
	case mesh.StartDaemon:
		return r.daemons.Start(ctx, a.Daemon)
	case mesh.StopDaemon:
		return r.daemons.Stop(ctx, a.Daemon, a.Reason, r.now().Until(a.Deadline))
	case mesh.MarkAvoid, mesh.ApplyBackoff, mesh.CommitTransition:
		return nil
	}
	kind := e.Action.Kind()
	if r.Actuators != nil {
		if actuator, ok := r.Actuators(kind); ok {
			return actuator.Dispatch(ctx, e)
		}
	}
	return &NoActuatorError{Kind: kind}
}

// NoActuatorError says that nothing on this node can carry out a kind of action.
type NoActuatorError struct{ Kind string }

// Error implements error.
func (e *NoActuatorError) Error() string {
	return fmt.Sprintf("nothing carries out %s on this node: a plugin of kind \"actuator\" for %s is missing; "+
		"add one as a [[plugin]] to the configuration", e.Kind, e.Kind)
}
