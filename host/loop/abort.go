package loop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/backoff"
	"github.com/meshos/meshos/internal/guard"
)

// abortTimeout is the deadline of one try of an abort.
const abortTimeout = 10 * time.Second

// An abort that fails because its aborter is unavailable is tried abortTries times, all
// within abortWithin and with pauses that double.
const (
	abortTries  = 3
	abortWithin = 30 * time.Second
	abortPause  = time.Second
)

// unavailable is implemented by an Aborter's error if another try may help. It is not
// named Temporary: a deadline's error has that method and is not worth another try.
type unavailable interface{ Unavailable() bool }

// At most abortsAtOnce aborts run at a time, and at most abortsWaiting more wait. Any
// beyond that fails at once, so that memory stays bounded.
const (
	abortsAtOnce  = 4
	abortsWaiting = 64
)

// aborts has the aborter abort the migrations that operators killed, beside the loop,
// and reports the failures.
type aborts struct {
	ctx       context.Context // ends with the loop
	calls     *callGroup
	slots     *Slots
	feed      Feed
	operators bool
	accepted  chan struct{} // one token for each abort that waits or runs
	running   chan struct{} // one token for each abort that runs
}

func newAborts(ctx context.Context, calls *callGroup, slots *Slots, feed Feed, operators bool) *aborts {
	return &aborts{
		ctx: ctx, calls: calls, slots: slots, feed: feed, operators: operators,
		accepted: make(chan struct{}, abortsAtOnce+abortsWaiting),
		running:  make(chan struct{}, abortsAtOnce),
	}
}

// start starts one abort. If too many wait already, it returns a report and true.
func (a *aborts) start(id mesh.MigrationID, reason string) (mesh.FailureReport, bool) {
	source := fmt.Sprintf("kill-migration:%d", id)
	select {
	case a.accepted <- struct{}{}:
	default:
		return mesh.FailureReport{Source: source, Reason: fmt.Sprintf(
			"the command was accepted, but nothing was aborted: %d aborts are waiting already; kill the migration again when they are done",
			cap(a.accepted))}, true
	}
	a.calls.start(source, func() {
		defer func() { <-a.accepted }()
		if reason := a.run(id, reason); reason != "" {
			// It fails only when the loop has ended: then nobody reads the report.
			_ = a.feed.Report(a.ctx, mesh.FailureReport{Source: source, Reason: reason})
		}
	})
	return mesh.FailureReport{}, false
}

// run aborts one migration and returns what failed; "" for nothing.
func (a *aborts) run(id mesh.MigrationID, reason string) (failure string) {
	select {
	case a.running <- struct{}{}:
		defer func() { <-a.running }()
	case <-a.ctx.Done():
		return ""
	}
	ctx, cancel := context.WithTimeout(a.ctx, abortWithin)
	defer cancel()
	pauses := backoff.Doubling{First: abortPause, Max: abortWithin}
	for try := 1; ; try++ {
		err := a.once(ctx, id, reason)
		if err == nil {
			return ""
		}
		failure = err.Error()
		if u := unavailable(nil); !errors.As(err, &u) || !u.Unavailable() {
			return failure
		}
		if try == abortTries || !sleep(ctx, pauses.After(try)) {
			return fmt.Sprintf("%s (tried %d times; kill the migration again when the cause is gone)", failure, try)
		}
	}
}

// once tries to abort a migration with the aborter that is installed now.
func (a *aborts) once(ctx context.Context, id mesh.MigrationID, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, abortTimeout)
	defer cancel()
	var failed error
	err := guard.Call(func() error {
		aborter := a.slots.Aborter()
		if aborter.NoOp() {
			if a.operators {
				failed = errNoAborter
			}
			return nil
		}
		if err := aborter.Abort(ctx, id, reason); err != nil {
			failed = fmt.Errorf("abort failed: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("aborter %w", err)
	}
	return failed
}

var errNoAborter = errors.New("the command was accepted, but nothing was aborted: this node has no migration_aborter; " +
	"configure a plugin of that kind, or abort the migration where it runs")

// sleep sleeps for d. It returns false when ctx ended before that, and at once if its
// deadline is before that.
func sleep(ctx context.Context, d time.Duration) bool {
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
