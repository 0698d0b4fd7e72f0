package loop

import (
	"context"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// abortTimeout is the deadline of one abort.
const abortTimeout = 10 * time.Second

// Aborts run beside the loop, this many at once; so many more wait for their turn.
// What is beyond is reported as failed rather than kept.
const (
	abortsAtOnce  = 4
	abortsWaiting = 64
)

// abortReason is what a migration is told it ends for.
const abortReason = "killed by an operator"

// aborts carries migrations that operators killed to the aborter, and brings back
// the failures.
type aborts struct {
	ctx       context.Context // ends with the loop
	crew      *crew
	slots     *Slots
	feed      Feed
	operators bool
	waiting   chan struct{} // one token per abort that was taken on
	running   chan struct{} // one token per abort that is under way
}

func newAborts(ctx context.Context, c *crew, slots *Slots, feed Feed, operators bool) *aborts {
	return &aborts{
		ctx: ctx, crew: c, slots: slots, feed: feed, operators: operators,
		waiting: make(chan struct{}, abortsAtOnce+abortsWaiting),
		running: make(chan struct{}, abortsAtOnce),
	}
}

// start takes on one abort. It returns a report if it can't.
func (a *aborts) start(id mesh.MigrationID) (mesh.FailureReport, bool) {
	source := fmt.Sprintf("kill-migration:%d", id)
	select {
	case a.waiting <- struct{}{}:
	default:
		return mesh.FailureReport{Source: source, Reason: fmt.Sprintf(
			"the commit landed, but nothing was aborted: %d aborts are waiting already; kill it again when they are through",
			cap(a.waiting))}, true
	}
	a.crew.start(source, func() {
		defer func() { <-a.waiting }()
		if reason := a.run(id); reason != "" {
			// An error here says that the loop has ended: nobody is left to tell.
			_ = a.feed.Report(a.ctx, mesh.FailureReport{Source: source, Reason: reason})
		}
	})
	return mesh.FailureReport{}, false
}

// run aborts one migration and says what went wrong, if anything did.
func (a *aborts) run(id mesh.MigrationID) (failure string) {
	select {
	case a.running <- struct{}{}:
		defer func() { <-a.running }()
	case <-a.ctx.Done():
		return ""
	}
	ctx, cancel := context.WithTimeout(a.ctx, abortTimeout)
	defer cancel()
	err := guarded(func() error {
		aborter := a.slots.Aborter()
		if aborter.NoOp() {
			if a.operators {
				failure = "the commit landed, but nothing was aborted: this node has no migration_aborter; " +
					"configure a plugin of that kind, or abort the migration where it runs"
			}
			return nil
		}
		if err := aborter.Abort(ctx, id, abortReason); err != nil {
			failure = "abort failed: " + err.Error()
		}
		return nil
	})
	if err != nil {
		failure = "aborter " + err.Error()
	}
	return failure
}
