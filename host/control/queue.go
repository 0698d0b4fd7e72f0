package control

import (
	"slices"
	"sync"
)

// queue holds what one sink has not been told yet: of each kind the latest, in the
// order in which they came.
type queue struct {
	more chan struct{} // holds one: there may be something

	mu     sync.Mutex
	events []Event
	told   chan struct{} // closed while there is nothing, and nothing is being told
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1), told: make(chan struct{})} }

// put adds events. One of a kind that is there takes its place at the end.
func (q *queue) put(events ...Event) {
	q.mu.Lock()
	for _, e := range events {
		q.events = slices.DeleteFunc(q.events, func(old Event) bool { return old.Kind == e.Kind })
		q.events = append(q.events, e)
	}
	if len(events) > 0 && q.empty() {
		q.told = make(chan struct{})
	}
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take gives the oldest event; false if there is none. Whoever takes has told what
// it took before.
func (q *queue) take() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		if !q.empty() {
			close(q.told)
		}
		return Event{}, false
	}
	first := q.events[0]
	q.events = slices.Delete(q.events, 0, 1)
	return first, true
}

// empty says whether told is closed.
func (q *queue) empty() bool {
	select {
	case <-q.told:
		return true
	default:
		return false
	}
}

// allTold is closed once everything that is in the queue now was told or lost.
func (q *queue) allTold() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.told
}
