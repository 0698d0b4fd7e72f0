package snapshottest

import (
	"sync"

	"github.com/meshos/meshos/host/snapshot"
)

// Board shows one snapshot at a time, as loop.Reader does.
type Board struct {
	done chan struct{}

	mu      sync.Mutex
	latest  *snapshot.Snapshot
	changed chan struct{}
}

// New gives a board that shows first, which may be nil for none.
func New(first *snapshot.Snapshot) *Board {
	return &Board{latest: first, changed: make(chan struct{}), done: make(chan struct{})}
}

// Latest is the snapshot that was shown last.
func (b *Board) Latest() *snapshot.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest
}

// Changed is closed when another snapshot is shown.
func (b *Board) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Done is closed when the loop has ended.
func (b *Board) Done() <-chan struct{} { return b.done }

// Show shows another snapshot.
func (b *Board) Show(s *snapshot.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latest = s
	close(b.changed)
	b.changed = make(chan struct{})
}

// End has the loop end. It may be called once.
func (b *Board) End() { close(b.done) }
