package catalog

import (
	"sync"
	"time"
)

// calm lets work that is not urgent wait while plugins are being started.
type calm struct {
	mu    sync.Mutex
	going int           // starts under way
	over  chan struct{} // closed when there are none any more; nil before the first
}

// starting notes that a plugin is being started, until the function that it returns is called.
func (c *calm) starting() (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.going == 0 {
		c.over = make(chan struct{})
	}
	c.going++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.going--; c.going == 0 {
			close(c.over)
		}
	}
}

// await waits until no plugin is being started, at most for d, or until ended is closed.
func (c *calm) await(ended <-chan struct{}, d time.Duration) {
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-over:
	case <-ended:
	case <-timer.C:
	}
}
