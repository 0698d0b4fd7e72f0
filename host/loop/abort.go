package loop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// abortTimeout is the deadline of one try of an abort.
const abortTimeout = 10 * time.Second

// An abort that fails for now is tried this often, all in all within abortWithin,
// with a pause that doubles.
const (
	abortTries  = 3
	abortWithin = 30 * time.Second
	abortPause  = time.Second
)

// unavailable is what an Aborter's error may be: it fails for now, and another try may
// help. It is not called Temporary, as that of a deadline is, which helps nobody.
type unavailable interface{ Unavailable() bool }

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
	ctx, cancel := context.WithTimeout(a.ctx, abortWithin)
	defer cancel()
	for try := 1; ; try++ {
		err := a.once(ctx, id)
		if err == nil {
			return ""
		}
		failure = err.Error()
		if u := unavailable(nil); !errors.As(err, &u) || !u.Unavailable() {
			return failure
		}
		if try == abortTries || !pauseFor(ctx, abortPause<<(try-1)) {
			return fmt.Sprintf("%s (tried %d times; kill it again when the cause is gone)", failure, try)
		}
	}
}

// once tries to abort a migration with the aborter that is installed now.
func (a *aborts) once(ctx context.Context, id mesh.MigrationID) error {
	ctx, cancel := context.WithTimeout(ctx, abortTimeout)
	defer cancel()
	var failed error
	err := guarded(func() error {
		aborter := a.slots.Aborter()
		if aborter.NoOp() {
			if a.operators {
				failed = errNoAborter
			}
			return nil
		}
		if err := aborter.Abort(ctx, id, abortReason); err != nil {
			failed = fmt.Errorf("abort failed: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("aborter %w", err)
	}
	return failed
}

var errNoAborter = errors.New("the commit landed, but nothing was aborted: this node has no migration_aborter; " +
	"configure a plugin of that kind, or abort the migration where it runs")

// pauseFor says false when ctx ended first, or would.
func pauseFor(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
