package loop

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// Feed is the door for what the host itself found out: ends of actions, failures,
// scores, acknowledgements. It is a queue beside that of the events, so that a flood of
// events can't keep an outcome away.
//
// Each method waits for a place until ctx is done and drops nothing silently: what
// it returned nil for is folded, unless the loop is ended first. After that it
// returns ErrLoopClosed. An open Feed does not keep the loop running.
type Feed struct {
	inputs *queue[mesh.Input]
	looks  *looks
}

// Outcome says how an action ended, or that it is retried.
func (f Feed) Outcome(ctx context.Context, o mesh.Outcome) error { return f.put(ctx, "outcome", o) }

// Report says what failed outside the core.
func (f Feed) Report(ctx context.Context, r mesh.FailureReport) error {
	return f.put(ctx, "failure report", r)
}

// Acknowledge says how far the appenders of a chain of records are.
func (f Feed) Acknowledge(ctx context.Context, a mesh.Acknowledged) error {
	return f.put(ctx, "acknowledgement", a)
}

// Reload replaces what the configuration says of peers, chains and daemons.
func (f Feed) Reload(ctx context.Context, r mesh.Reload) error { return f.put(ctx, "reload", r) }

// Scores brings in a table of the scorer's opinions, in place of the one before.
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
