package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestB6_AnEvictionThatIsUnderWayCountsAsDone(t *testing.T) {
	w := newWorld(t).chain(7, 2, 5, 6, 9)
	out := w.expect(0, "evict 7 from 9")
	w.hear(gone(7, 6)) // now only 5 is left for sure
	w.expect(1, "place 7 not on 5,9,100")
	w.fail(out...)
	w.hear(added(7, 6)...)
	w.expect(2, "evict 7 from 9")
}

func TestB6_ADropThatIsUnderWayCountsAsDone(t *testing.T) {
	w := newWorld(t).chain(7, 2, this, 5, 6).hear(hold(7, mesh.HoldDrop))
	w.expect(0, "drop 7")
	w.expect(1) // two others are left, so nothing else may go
}

// The outcome reports that the replica was removed; the event about it comes a moment
// later.
func TestB6_ASuccessCountsAsDoneBeforeItIsReported(t *testing.T) {
	t.Run("an eviction", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 5, 6)
		w.succeed(w.expect(0, "evict 7 from 6")...)
		w.hear(hold(7, mesh.HoldDrop))
		w.expect(1)
		w.to(2).hear(gone(7, 6))
		w.expect(2)
	})
	t.Run("a drop", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 5, 6).hear(hold(7, mesh.HoldDrop))
		w.succeed(w.expect(0, "drop 7")...)
		w.expect(1)
		w.to(2).hear(gone(7, this))
		w.expect(2)
	})
	t.Run("whoever else comes or goes", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 5, 6, 7)
		w.succeed(w.expect(0, "evict 7 from 7")...)
		w.hear(gone(7, 6)).hear(hold(7, mesh.HoldDrop))
		w.expect(1)
	})
	t.Run("but not once it is back", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 5, 6)
		w.succeed(w.expect(0, "evict 7 from 6")...)
		w.to(1).hear(gone(7, 6)).hear(added(7, 6)...)
		w.hear(hold(7, mesh.HoldDrop))
		w.expect(1, "drop 7")
	})
	t.Run("nor after it settled", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 5, 6)
		w.succeed(w.expect(0, "evict 7 from 6")...)
		w.expect(5, "evict 7 from 6")
	})
}

// If another replica were removed instead, this node could never drop its own.
func TestB6_NoEvictionTakesThePlaceOfADropThatHasToWait(t *testing.T) {
	w := newWorld(t).chain(7, 2, this, 5, 6).hear(hold(7, mesh.HoldDrop))
	w.fail(w.expect(0, "drop 7")...)
	w.expect(0.5)
	w.expect(1, "drop 7")
}
