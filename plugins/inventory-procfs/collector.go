package main

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/internal/guard"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// collector runs one source, never twice at the same time. When a run misses its deadline
// the collector is late: what it measured before grows old until that run has ended, and it
// starts no other run. So a dead mount costs one goroutine, however long it stays dead.
type collector struct {
	name     string
	read     source
	deadline time.Duration
	rest     time.Duration // how long it is left alone after a run
	facts    sink
	log      hclog.Logger

	mu     sync.Mutex
	ended  chan struct{} // closed at the end of the current run; nil: none is running
	since  time.Time     // when the last run began
	late   bool
	failed string // the last error; only changes are logged
}

// sink is where the facts of collectors go.
type sink interface {
	// Measured takes over what a collector has measured, and Forget drops it.
	Measured(collector string, facts *meshosv1.PeerInventory)
	Forget(collector string)
}

// collect runs the source and waits for it until the deadline or the end of ctx. It does
// nothing while another run is running, or too soon after the last.
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

// start starts a run unless one is running, or the last began a short while ago.
func (c *collector) start(ctx context.Context) (<-chan struct{}, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil || !c.since.IsZero() && time.Since(c.since) < c.rest {
		return nil, false
	}
	ended := make(chan struct{})
	c.ended, c.since = ended, time.Now()
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
