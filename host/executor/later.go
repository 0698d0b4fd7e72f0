package executor

import (
	"cmp"
	"container/heap"

	"github.com/meshos/meshos/host/mesh"
)

// later holds the actions that were put off until a time, the earliest first.
// Of two that are due together the older action comes first.
type later struct{ items []*item }

// put adds an item that is due at a time.
func (l *later) put(it *item, due mesh.Time) {
	it.where, it.due = putOff, due
	heap.Push((*byDue)(l), it)
}

// due gives when the first is due; ok is false if there is none.
func (l *later) due() (at mesh.Time, ok bool) {
	if len(l.items) == 0 {
		return 0, false
	}
	return l.items[0].due, true
}

// take gives the first if it is due by now, or nil.
func (l *later) take(now mesh.Time) *item {
	if at, ok := l.due(); !ok || at > now {
		return nil
	}
	return l.pop()
}

func (l *later) pop() *item {
	it := heap.Pop((*byDue)(l)).(*item)
	it.where = inHand
	return it
}

// fix puts an item in its place again whose action was replaced.
func (l *later) fix(it *item) { heap.Fix((*byDue)(l), it.heapAt) }

// takeAfter gives all that are not due by an instant, oldest first.
func (l *later) takeAfter(end mesh.Time) []*item {
	var keep, out []*item
	for len(l.items) > 0 {
		if it := l.pop(); it.due > end {
			out = append(out, it)
		} else {
			keep = append(keep, it)
		}
	}
	for _, it := range keep {
		l.put(it, it.due)
	}
	return out
}

// byDue is the heap below later.
type byDue later

func (h *byDue) Len() int { return len(h.items) }

func (h *byDue) Less(i, j int) bool {
	a, b := h.items[i], h.items[j]
	return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.action.ID, b.action.ID)) < 0
}

func (h *byDue) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].heapAt, h.items[j].heapAt = i, j
}

func (h *byDue) Push(x any) {
	it := x.(*item)
	it.heapAt = len(h.items)
	h.items = append(h.items, it)
}

func (h *byDue) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	return it
}
