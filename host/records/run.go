package records

import (
	"context"
	"sync"
	"time"
)

// Node is the node whose records are kept: where they come from, and who hears what
// becomes of them.
type Node struct {
	Reader Reader
	Feed   Feed
}

// Run writes what the snapshots bring, and brings it to the appenders, until ctx ends.
// Then it writes the last records, and delivers them to the appenders that were well
// until then; so end the loop before, and the appenders after it. All of that together
// takes EndWithin at most, unless a write to disk hangs. What was not delivered is
// logged, and waits on disk for the next run. Run closes the Records.
func (r *Records) Run(ctx context.Context, node Node) {
	r.running.Store(true)
	delivering, endDelivering := context.WithCancel(context.WithoutCancel(ctx))
	defer endDelivering()
	following, endFollowing := context.WithCancel(delivering)
	defer endFollowing()
	var all sync.WaitGroup
	all.Go(func() {
		newWriter(r, node).run(ctx)
		endFollowing() // there is nothing more to follow
	})
	for _, s := range r.subscribers {
		all.Go(func() { newFollower(r, s, node.Feed).run(following, delivering) })
	}
	all.Go(func() { r.acknowledge(following, node.Feed) })
	<-ctx.Done()
	limit := time.AfterFunc(r.opts.EndWithin, endDelivering)
	defer limit.Stop()
	all.Wait()
	if err := r.closeLogs(); err != nil {
		r.opts.Log.Error("records were not closed cleanly", "error", err)
	}
}
