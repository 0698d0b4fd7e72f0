package executor

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Dispatcher carries out actions.
type Dispatcher interface {
	// Dispatch carries out one action. A nil error means that it is done, a RetryLater
	// that it should be tried again, any other error that it can't be done, and why.
	// Dispatch must return when ctx ends, which is at the deadline; if it does not, it
	// is abandoned and its action counts as failed. A panic is a failure of that action
	// alone. Dispatch is called from several goroutines at once, but never for two
	// actions of one lane.
	Dispatch(ctx context.Context, e mesh.Emitted) error
}

// Outcomes takes outcomes back to the loop; loop.Feed is one.
type Outcomes interface {
	// Outcome takes how an action ended or, if it is not final, that it waits or is
	// begun. It may wait for a free place in a queue. An error means that the outcome
	// was not taken.
	Outcome(ctx context.Context, o mesh.Outcome) error
}

// Daemons starts and stops the processes of this node.
type Daemons interface {
	// Start returns once the process runs or is known not to start.
	Start(ctx context.Context, daemon mesh.DaemonRef) error
	// Stop asks the process to end and returns at once; it is killed after grace.
	// Stopping one that does not run succeeds.
	Stop(ctx context.Context, daemon mesh.DaemonRef, reason string, grace time.Duration) error
	// Reload has the daemon read its own configuration again, and returns once it was asked.
	Reload(ctx context.Context, daemon mesh.DaemonRef) error
	// Signal sends a signal to the daemon's main process.
	Signal(ctx context.Context, daemon mesh.DaemonRef, signal string) error
}

// Actuator carries out kinds of action that the host itself does not.
type Actuator interface {
	// Dispatch does what Dispatcher's does, for these kinds.
	Dispatch(ctx context.Context, e mesh.Emitted) error
}
