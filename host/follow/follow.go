// Package follow reads a node's snapshots one after the other.
//
// It starts no goroutine and keeps no snapshot. A reader that is slower than the loop
// gets the newest snapshot next, and does not see those in between.
package follow

import (
	"context"
	"iter"
	"weak"

	"github.com/meshos/meshos/host/snapshot"
)

// Source publishes snapshots; loop.Reader is one.
type Source interface {
	// Latest returns the newest snapshot, never nil.
	Latest() *snapshot.Snapshot
	// Changed returns a channel that is closed when a newer snapshot is published.
	Changed() <-chan struct{}
	// Done returns a channel that is closed when no newer snapshot will come.
	Done() <-chan struct{}
}

// Snapshots yields the newest snapshot and then each time the newest one after it.
// It ends when ctx does, or after the last snapshot of a source that is done.
func Snapshots(ctx context.Context, source Source) iter.Seq[*snapshot.Snapshot] {
	return func(yield func(*snapshot.Snapshot) bool) {
		// Weak, since yield may take long: meanwhile the old snapshot can be freed.
		var shown weak.Pointer[snapshot.Snapshot]
		for ctx.Err() == nil {
			changed := source.Changed() // before Latest, so that none is missed
			if latest := source.Latest(); weak.Make(latest) != shown {
				shown = weak.Make(latest)
				if !yield(latest) {
					return
				}
				continue // a newer one may have come meanwhile
			}
			select {
			case <-changed:
			case <-ctx.Done():
			case <-source.Done():
				if latest := source.Latest(); weak.Make(latest) != shown {
					yield(latest)
				}
				return
			}
		}
	}
}
