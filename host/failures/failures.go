// Package failures brings what failed in parts of the host into the node's failure
// records.
//
// There is one rule for all who report: nobody waits, so nobody is held up by a loop
// that is behind. What finds the queue full, or the loop ended, goes to the process's
// log only. It decides nothing about failures and repeats none.
package failures

import (
	"context"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// queued is how many reports may wait for the loop.
const queued = 256

// Loop folds failure reports; loop.Feed is one.
type Loop interface {
	Report(ctx context.Context, r mesh.FailureReport) error
}

// Reporter takes reports from any goroutine and hands them to the loop.
type Reporter struct {
	loop  Loop
	log   *slog.Logger
	queue chan mesh.FailureReport
}

// New returns a reporter; reports wait until Run hands them on.
func New(loop Loop, log *slog.Logger) *Reporter {
	return &Reporter{loop: loop, log: log, queue: make(chan mesh.FailureReport, queued)}
}

// Add reports that something of source failed, and why. It never waits.
func (r *Reporter) Add(source, reason string) {
	select {
	case r.queue <- mesh.FailureReport{Source: source, Reason: reason}:
	default:
		r.log.Error("a failure found no room to be recorded", "source", source, "reason", reason)
	}
}

// Run hands reports to the loop until ctx ends, and then those that are queued, for
// at most grace.
func (r *Reporter) Run(ctx context.Context, grace time.Duration) {
	handing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	for {
		select {
		case f := <-r.queue:
			r.hand(handing, f)
			continue
		case <-ctx.Done():
		}
		select {
		case f := <-r.queue:
			r.hand(handing, f)
		default:
			return
		}
	}
}

func (r *Reporter) hand(ctx context.Context, f mesh.FailureReport) {
	if err := r.loop.Report(ctx, f); err != nil {
		r.log.Error("a failure was not recorded", "source", f.Source, "reason", f.Reason, "error", err)
	}
}
