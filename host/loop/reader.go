package loop

import (
	"sync/atomic"

	"github.com/meshos/meshos/host/snapshot"
)

// Reader reads the published snapshots of a loop. It is a value: copies read the
// same, any number of goroutines may, and none of them can delay the loop.
type Reader struct{ board *board }

// Latest is the newest snapshot, never nil. Before the first tick it holds node
// and epoch only; after the loop ended it stays the last one, completed by the records
// that were left after its tick. It is shared with every other reader and must not be
// written to.
func (r Reader) Latest() *snapshot.Snapshot { return r.board.edition.Load().snapshot }

// Changed is closed when a newer snapshot than the present one is published. To
// miss none, ask for Changed first and for Latest then. When the loop ends it
// stays open; see Done.
func (r Reader) Changed() <-chan struct{} { return r.board.edition.Load().superseded }

// Done is closed after the loop ended: no newer snapshot will come.
func (r Reader) Done() <-chan struct{} { return r.board.done }

// board is where snapshots are published.
type board struct {
	edition atomic.Pointer[edition]
	stale   chan chan struct{} // to the herald
	done    chan struct{}
}

// edition is one published snapshot, with what is closed when the next one comes.
type edition struct {
	snapshot   *snapshot.Snapshot
	superseded chan struct{}
}

// staleEditions bounds how far the herald may be behind.
const staleEditions = 16

func newBoard(first *snapshot.Snapshot) *board {
	b := &board{stale: make(chan chan struct{}, staleEditions), done: make(chan struct{})}
	b.edition.Store(&edition{snapshot: first, superseded: make(chan struct{})})
	return b
}

// publish swaps the newest snapshot in. To wake thousands of waiting readers takes
// milliseconds, so the herald does it.
func (b *board) publish(s *snapshot.Snapshot) {
	old := b.edition.Swap(&edition{snapshot: s, superseded: make(chan struct{})})
	select {
	case b.stale <- old.superseded:
	default: // the herald is far behind: then here and now
		close(old.superseded)
	}
}

// herald wakes those who wait for the next snapshot, until stale is closed.
func (b *board) herald() {
	for superseded := range b.stale {
		close(superseded)
	}
}
