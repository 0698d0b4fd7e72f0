package executor

import (
	"container/heap"

	"github.com/meshos/meshos/host/mesh"
)

// later holds the actions that were put off until a time, the earliest first. Those
// that are due together come in any order.
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

// takeAfter gives all that are not due by an instant.
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

func (h *byDue) Less(i, j int) bool { return h.items[i].due < h.items[j].due }

func (h *byDue) Swap(i, j int) { h.items[i], h.items[j] = h.items[j], h.items[i] }

func (h *byDue) Push(x any) { h.items = append(h.items, x.(*item)) }

func (h *byDue) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	return it
}
