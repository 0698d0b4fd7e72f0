package executor

import (
	"container/heap"

	"github.com/meshos/meshos/host/mesh"
)

// delayQueue holds the actions that were deferred until a time, the earliest first.
// Those that are due at the same time come in any order.
type delayQueue struct{ items []*item }

// put adds an item that is due at a time.
func (q *delayQueue) put(it *item, due mesh.Time) {
	it.where, it.due = deferred, due
	heap.Push((*byDue)(q), it)
}

// due returns when the first item is due; ok is false if there is none.
func (q *delayQueue) due() (at mesh.Time, ok bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].due, true
}

// take removes and returns the first item if it is due by now; nil if it is not.
func (q *delayQueue) take(now mesh.Time) *item {
	if at, ok := q.due(); !ok || at > now {
		return nil
	}
	return q.pop()
}

func (q *delayQueue) pop() *item {
	it := heap.Pop((*byDue)(q)).(*item)
	it.where = inHand
	return it
}

// takeAfter removes and returns all items that are due after a time.
func (q *delayQueue) takeAfter(end mesh.Time) []*item {
	var keep, out []*item
	for len(q.items) > 0 {
		if it := q.pop(); it.due > end {
			out = append(out, it)
		} else {
			keep = append(keep, it)
		}
	}
	for _, it := range keep {
		q.put(it, it.due)
	}
	return out
}

// byDue is the heap of a delayQueue.
type byDue delayQueue

// Len implements heap.Interface.
func (h *byDue) Len() int { return len(h.items) }

// Less implements heap.Interface.
func (h *byDue) Less(i, j int) bool { return h.items[i].due < h.items[j].due }

// Swap implements heap.Interface.
func (h *byDue) Swap(i, j int) { h.items[i], h.items[j] = h.items[j], h.items[i] }

// Push implements heap.Interface.
func (h *byDue) Push(x any) { h.items = append(h.items, x.(*item)) }

// Pop implements heap.Interface.
func (h *byDue) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	return it
}
