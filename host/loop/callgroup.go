package loop

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// callGroup runs calls to foreign code, each in a goroutine of its own. Unlike a
// WaitGroup it can be waited for with a limit, and then names the calls that have not
// returned.
type callGroup struct {
	mu    sync.Mutex
	names map[uint64]string // of the calls that are out, by number
	last  uint64

	waiting  bool          // wait was called
	returned chan struct{} // closed when wait was called and no call is out any more
	closed   bool          // returned is
}

func newCallGroup() *callGroup {
	return &callGroup{names: make(map[uint64]string), returned: make(chan struct{})}
}

// start runs fn in a goroutine of the group.
func (g *callGroup) start(name string, fn func()) {
	g.mu.Lock()
	g.last++
	id := g.last
	g.names[id] = name
	g.mu.Unlock()
	go func() {
		defer g.done(id) // deferred, since foreign code may end its goroutine
		fn()
	}()
}

func (g *callGroup) done(id uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, id)
	g.closeIfDone()
}

func (g *callGroup) closeIfDone() {
	if g.waiting && len(g.names) == 0 && !g.closed {
		g.closed = true
		close(g.returned)
	}
}

// wait waits until all calls have returned, at most for the grace, and returns the
// names of those that have not. No call may be started after wait was called.
func (g *callGroup) wait(grace time.Duration) (out []string) {
	g.mu.Lock()
	g.waiting = true
	g.closeIfDone()
	g.mu.Unlock()

	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case <-g.returned:
	case <-limit.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Values(g.names))
}
