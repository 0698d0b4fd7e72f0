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

// run collects until ctx ends, at once at first. A collector that hangs past its
// deadline after the end of ctx is left behind: nothing can interrupt it.
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

func (i *inventory) wait() {
	for _, c := range i.collectors {
		ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
		c.wait(ctx)
		cancel()
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
