package main

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/internal/guard"
	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// collector runs one source, never twice at the same time. When a run misses its deadline
// the collector is late: what it measured before grows old until that run has ended, and it
// starts no other run. So a dead mount costs one goroutine, however long it stays dead.
type collector struct {
	name     string
	read     source
	deadline time.Duration
	facts    *pluginsdk.Facts // where its facts go
	log      hclog.Logger

	mu     sync.Mutex
	ended  chan struct{} // closed at the end of the current run; nil: none is running
	late   bool
	failed string // the last error; only changes are logged
}

// collect runs the source and waits for it until the deadline or the end of ctx. It does
// nothing while another run is running.
func (c *collector) collect(ctx context.Context) {
	ended, ok := c.start(ctx)
	if !ok {
		return
	}
	deadline := time.NewTimer(c.deadline)
	defer deadline.Stop()
	select {
	case <-ended:
	case <-ctx.Done():
	case <-deadline.C:
		c.overdue()
	}
}

// start starts a run unless one is running.
func (c *collector) start(ctx context.Context) (<-chan struct{}, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return nil, false
	}
	ended := make(chan struct{})
	c.ended = ended
	go func() {
		defer close(ended)
		facts, err := c.guarded(ctx)
		c.finish(facts, err)
	}()
	return ended, true
}

// guarded calls the source and turns a panic into an error, so that other collectors go on.
func (c *collector) guarded(ctx context.Context) (facts *meshosv1.PeerInventory, err error) {
	err = guard.Call(func() error {
		facts, err = c.read(ctx)
		return err
	})
	return facts, err
}

func (c *collector) finish(facts *meshosv1.PeerInventory, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = nil
	if c.late {
		c.late = false
		c.log.Info("collector answers again", "collector", c.name)
	}
	said := c.failed
	c.failed = ""
	switch {
	case err != nil:
		c.facts.Forget(c.name)
		c.failed = err.Error()
		if c.failed != said {
			c.log.Error("collector failed; its facts are left out", "collector", c.name, "error", err)
		}
	case said != "":
		c.log.Info("collector works again", "collector", c.name)
	}
	if err == nil {
		c.facts.Measured(c.name, facts)
	}
}

// overdue makes a collector late, unless it ended just now.
func (c *collector) overdue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil || c.late {
		return
	}
	c.late = true
	c.log.Warn("collector is late; what it measured before grows old until it answers",
		"collector", c.name, "deadline", c.deadline)
}

// wait waits for the current run, if there is one, until ctx ends.
func (c *collector) wait(ctx context.Context) {
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended == nil {
		return
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
}
