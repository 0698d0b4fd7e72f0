package due_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/due"
	"github.com/meshos/meshos/host/mesh"
)

func TestThingsAreTakenWhenTheyAreDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q due.Queue[int]
		var waiting []mesh.Time
		now := mesh.Time(0)
		for range rapid.IntRange(1, 50).Draw(t, "rounds") {
			for range rapid.IntRange(0, 10).Draw(t, "added") {
				at := now + mesh.Time(rapid.IntRange(-5, 30).Draw(t, "at"))
				q.Add(at, int(at))
				waiting = append(waiting, at)
			}
			now += mesh.Time(rapid.IntRange(0, 10).Draw(t, "step"))
			var got, want []mesh.Time
			for {
				at, thing, ok := q.Take(now)
				if !ok {
					break
				}
				if int(at) != thing {
					t.Fatalf("thing %d was put in for %d", thing, at)
				}
				got = append(got, at)
			}
			waiting = slices.DeleteFunc(waiting, func(at mesh.Time) bool {
				if at <= now {
					want = append(want, at)
				}
				return at <= now
			})
			slices.Sort(want)
			if !slices.Equal(got, want) || q.Len() != len(waiting) {
				t.Fatalf("at %d: took %v of %v, and %d of %d are left", now, got, want, q.Len(), len(waiting))
			}
		}
	})
}

func TestTheQueueAllocatesNothingInASteadyState(t *testing.T) {
	var q due.Queue[int]
	now := mesh.Time(0)
	round := func() {
		for i := range 100 {
			q.Add(now+mesh.Time(i), i)
		}
		now += 100
		for {
			if _, _, ok := q.Take(now); !ok {
				break
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
