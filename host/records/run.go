package records

import (
	"context"
	"sync"
)

// Node is the node whose records are kept: where they come from, and who hears what
// becomes of them.
type Node struct {
	Reader Reader
	Feed   Feed
}

// Run writes what the snapshots bring, and brings it to the appenders, until ctx ends.
// Then it writes the last ones, and each appender that was well gets 2 s for what is
// left; so end the loop before, and the appenders after it. It closes the Records.
func (r *Records) Run(ctx context.Context, node Node) {
	r.running.Store(true)
	followersEnd, endFollowers := context.WithCancel(context.WithoutCancel(ctx))
	defer endFollowers()
	var all sync.WaitGroup
	all.Go(func() {
		newWriter(r, node).run(ctx)
		endFollowers()
	})
	for _, s := range r.subscribers {
		all.Go(func() { newFollower(r, s, node.Feed).run(followersEnd) })
	}
	all.Go(func() { r.acknowledge(followersEnd, node.Feed) })
	all.Wait()
	if err := r.closeLogs(); err != nil {
		r.opts.Log.Error("records were not closed cleanly", "error", err)
	}
}
