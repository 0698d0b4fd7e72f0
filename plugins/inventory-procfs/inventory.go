package main

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// inventory runs its collectors once an interval, one after the other: parallel
// reads of procfs only get in each other's way in the kernel.
type inventory struct {
	collectors []*collector
	interval   time.Duration
	base       *meshosv1.PeerInventory // what is always known
}

// run collects until ctx ends, at once at first. A collector that hangs for long
// after that is left behind: nothing can interrupt it.
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

// lastWait is what collectors that are under way get at the end.
const lastWait = 200 * time.Millisecond

func (i *inventory) wait() {
	ctx, cancel := context.WithTimeout(context.Background(), lastWait)
	defer cancel()
	for _, c := range i.collectors {
		c.wait(ctx)
	}
}

// sample puts together what is known now; nil before any collector has answered.
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
