package loop

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// crew owns the goroutines that call foreign code. Unlike a WaitGroup it can be
// waited for with a limit, and says who did not come back.
type crew struct {
	mu     sync.Mutex
	names  map[uint64]string // those that are out
	last   uint64
	leave  bool
	allIn  chan struct{} // closed when nobody is out any more, after leave
	closed bool
}

func newCrew() *crew {
	return &crew{names: make(map[uint64]string), allIn: make(chan struct{})}
}

// start runs fn in a goroutine of the crew.
func (c *crew) start(name string, fn func()) {
	c.mu.Lock()
	c.last++
	id := c.last
	c.names[id] = name
	c.mu.Unlock()
	go func() {
		defer c.back(id) // deferred, since foreign code may end its goroutine
		fn()
	}()
}

func (c *crew) back(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.names, id)
	c.settle()
}

func (c *crew) settle() {
	if c.leave && len(c.names) == 0 && !c.closed {
		c.closed = true
		close(c.allIn)
	}
}

// wait waits until everybody is back, at most for the grace, and names those who
// are not. Nobody may be started after it was called.
func (c *crew) wait(grace time.Duration) (out []string) {
	c.mu.Lock()
	c.leave = true
	c.settle()
	c.mu.Unlock()

	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case <-c.allIn:
	case <-limit.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Values(c.names))
}
