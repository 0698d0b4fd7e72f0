package records

import (
	"context"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Node is the loop whose records are kept.
type Node struct {
	Reader Reader
	Feed   Feed
	// Say makes a log record; nil for none. It does not wait.
	Say func(mesh.LogLine) error
	// Recorded, if set, hears how far the output of a daemon is on disk. It does not wait.
	Recorded func(mesh.DaemonID, mesh.OutputPlace)
}

// Reader reads the snapshots that the loop publishes.
type Reader interface {
	// Latest returns the newest snapshot, nil before the first.
	Latest() *snapshot.Snapshot
	// Changed returns a channel that is closed when a newer snapshot is published.
	Changed() <-chan struct{}
}

// Feed reports back to the loop what became of the records.
type Feed interface {
	// Acknowledge reports that every appender of a chain holds it through a seq.
	Acknowledge(ctx context.Context, a mesh.Acknowledged) error
	// Report makes a failure record.
	Report(ctx context.Context, r mesh.FailureReport) error
}

// Run writes the records of the snapshots to disk and delivers them to the appenders,
// until ctx ends. Then it writes the last records, and delivers them to the appenders
// that were well until then; so end the loop before, and the appenders after it. All of
// that together takes EndWithin at most, unless a write to disk hangs. What was not
// delivered is logged, and waits on disk for the next run. Run closes the Records.
func (r *Records) Run(ctx context.Context, node Node) {
	r.running.Store(true)
	delivering, endDelivering := context.WithCancel(context.WithoutCancel(ctx))
	defer endDelivering()
	following, endFollowing := context.WithCancel(delivering)
	defer endFollowing()
	firstNew := r.logs[mesh.ChainAudit].Next()
	var all sync.WaitGroup
	all.Go(func() {
		newWriter(r, node).run(ctx)
		endFollowing() // no more comes
	})
	for _, s := range r.subscribers {
		all.Go(func() { newFollower(r, s, node.Feed).run(following, delivering) })
	}
	all.Go(func() { r.acknowledge(following, node.Feed) })
	all.Go(func() { r.refusals.count(ctx, r.logs[mesh.ChainAudit], firstNew) })
	<-ctx.Done()
	limit := time.AfterFunc(r.opts.EndWithin, endDelivering)
	defer limit.Stop()
	all.Wait()
	if err := r.closeLogs(); err != nil {
		r.opts.Log.Error("records were not closed cleanly", "error", err)
	}
}
