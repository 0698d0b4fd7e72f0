package executor

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Dispatcher carries out one action. A nil error says that it is done, a RetryLater
// that it should be tried again, any other one that it can't be done, with the
// reason in words. Dispatch must return when ctx ends, which it does at the
// deadline; one that does not is left behind and its action counts as failed. A
// panic is a failure of that action alone. Dispatch is called from several
// goroutines at once, but never for two actions on one subject.
type Dispatcher interface {
	Dispatch(ctx context.Context, e mesh.Emitted) error
}

// Outcomes takes how actions ended, and word of those that have not yet, back into
// the loop. It may wait for room; an error says that the outcome was not taken and
// never will be.
type Outcomes interface {
	Outcome(ctx context.Context, o mesh.Outcome) error
}

// Daemons starts and stops the processes of this node.
type Daemons interface {
	// Start returns once the process runs or is known not to start.
	Start(ctx context.Context, daemon mesh.DaemonRef) error
	// Stop asks the process to end and returns at once; it is killed after grace.
	// Stopping one that does not run succeeds.
	Stop(ctx context.Context, daemon mesh.DaemonRef, reason string, grace time.Duration) error
}

// Actuator carries out kinds of action that the host itself does not. It is a
// Dispatcher for these kinds, and everything said there holds.
type Actuator interface {
	Dispatch(ctx context.Context, e mesh.Emitted) error
}
