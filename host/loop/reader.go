package loop

import (
	"sync/atomic"

	"github.com/meshos/meshos/host/snapshot"
)

// Reader reads the published snapshots of a loop. It is a value: copies of it read the
// same, from any number of goroutines, and none of them can delay the loop.
type Reader struct{ broadcast *broadcast }

// Latest returns the newest snapshot, never nil. Before the first tick it holds node
// and epoch only; after the loop ended it stays the last one, completed by the records
// that were made after its tick. It is shared with every other reader and must not be
// written to.
func (r Reader) Latest() *snapshot.Snapshot { return r.broadcast.current.Load().snapshot }

// Changed returns a channel that is closed when a snapshot newer than the present one
// is published. To miss none, call Changed first and Latest after it. When the loop
// ends, the channel stays open; see Done.
func (r Reader) Changed() <-chan struct{} { return r.broadcast.current.Load().superseded }

// Done returns a channel that is closed after the loop ended: no newer snapshot will
// come.
func (r Reader) Done() <-chan struct{} { return r.broadcast.done }

// broadcast publishes snapshots to any number of readers.
type broadcast struct {
	current atomic.Pointer[version]
	wakeups chan chan struct{} // what the waker is to close
	done    chan struct{}
}

// version is one published snapshot, with the channel that is closed when the next one
// is published.
type version struct {
	snapshot   *snapshot.Snapshot
	superseded chan struct{}
}

// maxWakeups bounds how many versions the waker may be behind.
const maxWakeups = 16

func newBroadcast(first *snapshot.Snapshot) *broadcast {
	b := &broadcast{wakeups: make(chan chan struct{}, maxWakeups), done: make(chan struct{})}
	b.current.Store(&version{snapshot: first, superseded: make(chan struct{})})
	return b
}

// publish makes s the newest snapshot. To wake thousands of waiting readers takes
// milliseconds, so the waker does it.
func (b *broadcast) publish(s *snapshot.Snapshot) {
	old := b.current.Swap(&version{snapshot: s, superseded: make(chan struct{})})
	select {
	case b.wakeups <- old.superseded:
	default: // the waker is far behind
		close(old.superseded)
	}
}

// wake is the waker: it wakes those who wait for the next version, until wakeups is
// closed.
func (b *broadcast) wake() {
	for superseded := range b.wakeups {
		close(superseded)
	}
}
