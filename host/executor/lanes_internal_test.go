package executor

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

// Every item is taken once, those of a lane in order and one at a time, and nothing is
// kept of a lane that is empty.
func TestLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLanes()
		waiting := make(map[lane][]*item)
		busy := make(map[lane]bool)
		size := 0
		for i := range rapid.IntRange(1, 100).Draw(t, "steps") {
			on := lane{"daemon", uint64(rapid.IntRange(1, 3).Draw(t, "lane"))}
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				it := &item{action: mesh.Emitted{ID: mesh.ActionID(i)}, lane: on}
				l.push(it)
				waiting[on] = append(waiting[on], it)
				size++
			case 2:
				it := l.take()
				if it == nil {
					for on, items := range waiting {
						if len(items) > 0 && !busy[on] {
							t.Fatalf("nothing is taken although %v has items", on)
						}
					}
					break
				}
				if busy[it.lane] || it != waiting[it.lane][0] {
					t.Fatalf("took %+v", it)
				}
				waiting[it.lane], busy[it.lane] = waiting[it.lane][1:], true
				size--
			case 3:
				if busy[on] {
					l.free(on)
				} else {
					l.occupy(on)
				}
				busy[on] = !busy[on]
			case 4:
				if n := len(waiting[on]); n > 0 {
					at := rapid.IntRange(0, n-1).Draw(t, "at")
					l.remove(waiting[on][at])
					waiting[on] = append(waiting[on][:at:at], waiting[on][at+1:]...)
					size--
				}
			}
			alive := 0
			for n := uint64(1); n <= 3; n++ {
				on := lane{"daemon", n}
				if l.busy(on) != busy[on] {
					t.Fatalf("%v is busy: %v", on, l.busy(on))
				}
				if busy[on] || len(waiting[on]) > 0 {
					alive++
				}
			}
			if l.size != size || len(l.waiting) != alive {
				t.Fatalf("%d items in %d lanes, want %d in %d", l.size, len(l.waiting), size, alive)
			}
		}
	})
}
