package main

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// inventory runs its collectors once an interval, one after the other: concurrent reads of
// procfs would only wait for each other in the kernel.
type inventory struct {
	collectors []*collector
	interval   time.Duration
	base       *meshosv1.PeerInventory // what is always known
}

// run collects until ctx ends, the first time at once. It does not wait long for a
// collector that still hangs then: nothing can interrupt it.
func (i *inventory) run(ctx context.Context) {
	ticker := time.NewTicker(i.interval)
	defer ticker.Stop()
	for {
		for _, c := range i.collectors {
			c.collect(ctx)
		}
		select {
		case <-ctx.Done():
			i.wait()
			return
		case <-ticker.C:
		}
	}
}

// lastWait is how long run waits for running collectors after ctx has ended.
const lastWait = 200 * time.Millisecond

func (i *inventory) wait() {
	ctx, cancel := context.WithTimeout(context.Background(), lastWait)
	defer cancel()
	for _, c := range i.collectors {
		c.wait(ctx)
	}
}

// sample returns all facts that are known now, or nil before any collector has answered.
func (i *inventory) sample() *meshosv1.PeerInventory {
	var out *meshosv1.PeerInventory
	for _, c := range i.collectors {
		facts := c.known()
		if facts == nil {
			continue
		}
		if out == nil {
			out = proto.CloneOf(i.base)
		}
		proto.Merge(out, facts)
	}
	return out
}
