package daemon

import (
	"context"
	"sync"
	"time"
)

const (
	// maxUnrecorded is how many lines of all daemons may be taken by the loop and not be records yet.
	// The loop remembers the newest 2048 lines: what waited while no node ran would drive out lines
	// that are not written yet, when it comes all at once.
	maxUnrecorded = 1024
	// recordWithin is how long the records may take before lines are published all the same: a disk
	// that is full must not hold up who looks at the log.
	recordWithin = time.Second
)

// unrecorded counts the lines of all daemons that are not records yet, and holds up those who read
// more of them.
type unrecorded struct {
	mu      sync.Mutex
	lines   int
	stuck   bool          // no line was recorded for a while
	changed chan struct{} // closed when lines were recorded
}

func (u *unrecorded) add(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.lines = max(0, u.lines+n); n < 0 {
		u.stuck = false
		close(u.changed)
		u.changed = make(chan struct{})
	}
}

// wait waits until there are not too many, or the records take too long. It reports false if ctx has
// ended.
func (u *unrecorded) wait(ctx context.Context) bool {
	for {
		u.mu.Lock()
		room, changed := u.stuck || u.lines < maxUnrecorded, u.changed
		u.mu.Unlock()
		if room {
			return true
		}
		timer := time.NewTimer(recordWithin)
		select {
		case <-changed:
		case <-ctx.Done():
		case <-timer.C:
			u.mu.Lock()
			u.stuck, u.lines = true, 0 // what is lost now is reported by the records
			u.mu.Unlock()
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}
