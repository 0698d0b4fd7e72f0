package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// inventory runs its collectors once an interval, one after the other: concurrent reads of
// procfs would only wait for each other in the kernel.
type inventory struct {
	node       uint64
	collectors []*collector
	interval   time.Duration
	deadline   time.Duration
	log        hclog.Logger
	facts      *pluginsdk.Facts
	disks      *disks
	complete   atomic.Bool // each collector had its first turn
}

// add adds a collector whose facts go to a sink.
func (i *inventory) add(s named, to sink) *collector {
	c := &collector{name: s.name, read: s.read, deadline: i.deadline, facts: to, log: i.log}
	i.collectors = append(i.collectors, c)
	return c
}

// watch adds a collector of a file system.
func (i *inventory) watch(disk knownDisk, read source) {
	i.disks.known = append(i.disks.known, disk)
	i.add(named{disk.collector, read}, i.disks)
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
		i.complete.Store(true)
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

// sample returns all facts that are known now, with their ages.
func (i *inventory) sample() *meshosv1.PeerInventory {
	out := i.facts.Sample(i.node)
	i.disks.fill(out)
	slices.Sort(out.Capabilities)
	out.Capabilities = slices.Compact(out.Capabilities)
	return out
}
