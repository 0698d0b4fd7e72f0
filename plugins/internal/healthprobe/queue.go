package healthprobe

import (
	"container/heap"
	"time"
)

// queue holds the targets that wait for their next attempt, earliest first. A target whose
// attempt is running is not in it.
type queue []*target

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for container/heap; use add.
func (q *queue) Push(x any) {
	t := x.(*target)
	t.place = len(*q)
	*q = append(*q, t)
}

// Pop is for container/heap; use next or drop.
func (q *queue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.place = waiting
	return t
}

// waiting is the place of a target that is not in the queue.
const waiting = -1

// add queues t for due.
func (q *queue) add(t *target, due time.Time) {
	t.due = due
	heap.Push(q, t)
}

// drop removes t if it is in the queue.
func (q *queue) drop(t *target) {
	if t.place != waiting {
		heap.Remove(q, t.place)
	}
}

// next removes and returns the earliest target if it is due. Else it returns when that
// target will be due, or the zero time for an empty queue.
func (q *queue) next(now time.Time) (*target, time.Time) {
	if len(*q) == 0 {
		return nil, time.Time{}
	}
	if due := (*q)[0].due; due.After(now) {
		return nil, due
	}
	return heap.Pop(q).(*target), time.Time{}
}
