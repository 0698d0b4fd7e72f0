package marks_test

import (
	"slices"
	"testing"

	"github.com/meshos/meshos/host/marks"
)

func expect(t *testing.T, got marks.Touched[int], want ...int) {
	t.Helper()
	if got.All || !slices.Equal(got.IDs, want) {
		t.Errorf("got %+v, want %v", got, want)
	}
}

func TestAReaderThatHasTakenNothingHasEverythingBeforeIt(t *testing.T) {
	var l marks.Lists[int]
	var one marks.Set
	l.Touch(1, &one, 1)
	if got := l.Of(marks.Snapshot); !got.All || len(got.IDs) > 0 {
		t.Errorf("got %+v", got)
	}
	l.Taken(marks.Snapshot)
	expect(t, l.Of(marks.Snapshot))
}

func TestAKeyIsListedOnceForEachReader(t *testing.T) {
	var l marks.Lists[int]
	sets := make([]marks.Set, 4)
	l.Taken(marks.Snapshot)
	l.Taken(marks.Reconcile)
	for _, k := range []int{3, 1, 3, 1} {
		l.Touch(k, &sets[k], 4)
	}
	l.TouchFor(marks.Reconcile, 2, &sets[2], 4)
	expect(t, l.Of(marks.Snapshot), 1, 3)
	expect(t, l.Of(marks.Reconcile), 1, 2, 3)
	l.Taken(marks.Snapshot)
	l.Touch(3, &sets[3], 4)
	expect(t, l.Of(marks.Snapshot), 3)
	expect(t, l.Of(marks.Reconcile), 1, 2, 3)
}

func TestAnEntryThatIsRemovedAndComesBackIsListed(t *testing.T) {
	var l marks.Lists[int]
	var set marks.Set
	l.Taken(marks.Tick)
	for range 3 {
		l.Touch(7, &set, 1)
		set = 0 // the entry is gone, and its place is used again
	}
	expect(t, l.Of(marks.Tick), 7)
	l.Taken(marks.Tick)
	l.Touch(7, &set, 1)
	expect(t, l.Of(marks.Tick), 7)
}

func TestALongListBecomesEverything(t *testing.T) {
	var l marks.Lists[int]
	sets := make([]marks.Set, 3000)
	l.Taken(marks.Tick)
	for k := range sets[:2000] {
		l.Touch(k, &sets[k], len(sets))
	}
	if got := l.Of(marks.Tick); !got.All {
		t.Errorf("%d of %d keys are listed", len(got.IDs), len(sets))
	}
	l.Taken(marks.Tick)
	expect(t, l.Of(marks.Tick))
	l.Touch(5, &sets[5], len(sets))
	expect(t, l.Of(marks.Tick), 5)
	l.TouchAll()
	if !l.Of(marks.Tick).All {
		t.Error("not everything is before the reader")
	}
}

func TestTouchingAllocatesNothingInASteadyState(t *testing.T) {
	var l marks.Lists[int]
	sets := make([]marks.Set, 100)
	l.Taken(marks.Tick)
	l.Taken(marks.Snapshot)
	round := func() {
		for k := range sets {
			l.Touch(k, &sets[k], len(sets))
		}
		l.Of(marks.Tick)
		l.Of(marks.Snapshot)
		l.Taken(marks.Tick)
		l.Taken(marks.Snapshot)
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
