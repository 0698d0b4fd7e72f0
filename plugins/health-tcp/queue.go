package main

import (
	"container/heap"
	"time"
)

// queue holds the targets that wait for their next attempt, earliest first. A
// target that is being attempted is in no queue.
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

// waiting is the place of a target that is in no queue.
const waiting = -1

// add queues t for due.
func (q *queue) add(t *target, due time.Time) {
	t.due = due
	heap.Push(q, t)
}

// drop takes t out, if it is in.
func (q *queue) drop(t *target) {
	if t.place != waiting {
		heap.Remove(q, t.place)
	}
}

// next takes the earliest target out if it is due, and else returns when it will
// be; the zero time if there is none.
func (q *queue) next(now time.Time) (*target, time.Time) {
	if len(*q) == 0 {
		return nil, time.Time{}
	}
	if due := (*q)[0].due; due.After(now) {
		return nil, due
	}
	return heap.Pop(q).(*target), time.Time{}
}
