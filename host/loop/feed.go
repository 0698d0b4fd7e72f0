package loop

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Feed brings in what the host itself found out: outcomes of actions, failures,
// scores, acknowledgements. Its queue is beside that of the events, so that a flood of
// events can't delay an outcome.
//
// Each method waits for a free place in the queue until ctx is done, and drops nothing
// silently: after a nil error the input is folded, unless the loop is ended first.
// After the loop's end the error is ErrLoopClosed. Unlike a Handle, a Feed does not
// keep the loop running.
type Feed struct {
	inputs *queue[mesh.Input]
	reads  *stateReads
	soon   chan<- struct{}
	begin  chan<- struct{}
}

// Begin asks for the first tick at once: everything is there that it needs. Without it the
// first tick comes after an interval. It waits for nothing, and later it does nothing.
func (f Feed) Begin() {
	select {
	case f.begin <- struct{}{}:
	default:
	}
}

// PassSoon asks for an early tick: a pass that does not wait for the next regular tick. It
// waits for nothing. After the loop's end it does nothing.
func (f Feed) PassSoon() {
	select {
	case f.soon <- struct{}{}:
	default: // one is asked for already
	}
}

// Outcome brings in how an action ended, or that it will be tried again.
func (f Feed) Outcome(ctx context.Context, o mesh.Outcome) error { return f.put(ctx, "outcome", o) }

// Report brings in what failed outside the core.
func (f Feed) Report(ctx context.Context, r mesh.FailureReport) error {
	return f.put(ctx, "failure report", r)
}

// Acknowledge brings in up to where the appenders of a record chain have its records.
func (f Feed) Acknowledge(ctx context.Context, a mesh.Acknowledged) error {
	return f.put(ctx, "acknowledgement", a)
}

// Reload replaces what the configuration says of peers, chains and daemons.
func (f Feed) Reload(ctx context.Context, r mesh.Reload) error { return f.put(ctx, "reload", r) }

// Announce brings in what the mesh says of other nodes.
func (f Feed) Announce(ctx context.Context, p mesh.PeersAnnounced) error {
	return f.put(ctx, "what the mesh says of other nodes", p)
}

// Scores brings in a table of the scorer's opinions, which replaces the one before.
func (f Feed) Scores(ctx context.Context, s mesh.Scores) error { return f.put(ctx, "scores", s) }

func (f Feed) put(ctx context.Context, what string, in mesh.Input) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("feed %s to the loop: %w", what, context.Cause(ctx))
	}
	if _, err := f.inputs.put(ctx, []mesh.Input{in}); err != nil {
		return fmt.Errorf("feed %s to the loop: %w", what, err)
	}
	return nil
}
