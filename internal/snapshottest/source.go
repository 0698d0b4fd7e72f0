package snapshottest

import (
	"cmp"
	"sync"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
)

// Source publishes the snapshots that a test shows, as loop.Reader does. It implements
// follow.Source.
type Source struct {
	done chan struct{}

	mu      sync.Mutex
	latest  *snapshot.Snapshot
	changed chan struct{}
}

// New returns a source that shows first, which may be nil.
func New(first *snapshot.Snapshot) *Source {
	return &Source{latest: first, changed: make(chan struct{}), done: make(chan struct{})}
}

// Latest returns the snapshot that was shown last.
func (s *Source) Latest() *snapshot.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

// Changed returns a channel that is closed when another snapshot is shown.
func (s *Source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Done returns a channel that is closed by End.
func (s *Source) Done() <-chan struct{} { return s.done }

// Show shows another snapshot.
func (s *Source) Show(next *snapshot.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = next
	close(s.changed)
	s.changed = make(chan struct{})
}

// End closes Done, as the loop does when it has ended. It must be called only once.
func (s *Source) End() { close(s.done) }

// Changed returns a list with one entry changed.
func Changed[K cmp.Ordered, V any](list shared.Table[K, V], k K, change func(*V)) shared.Table[K, V] {
	e := shared.NewEditor[K, V](64)
	for key, v := range list.All() {
		if key == k {
			change(&v)
		}
		e.Put(key, v)
	}
	return e.Publish()
}

// Chains returns a set of chains.
func Chains(ids ...mesh.ChainID) shared.Table[mesh.ChainID, struct{}] {
	e := shared.NewEditor[mesh.ChainID, struct{}](64)
	for _, id := range ids {
		e.Put(id, struct{}{})
	}
	return e.Publish()
}
