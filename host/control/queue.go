package control

import (
	"slices"
	"sync"
)

// queue holds the events that one sink did not get yet: the latest of each kind, in the
// order in which they came.
type queue struct {
	more chan struct{} // holds a token when there may be events

	mu        sync.Mutex
	events    []Event
	delivered chan struct{} // closed while there is no event and none is being delivered
}

func newQueue() *queue {
	return &queue{more: make(chan struct{}, 1), delivered: make(chan struct{})}
}

// put adds events. An earlier one of the same kind is removed.
func (q *queue) put(events ...Event) {
	q.mu.Lock()
	for _, e := range events {
		q.events = slices.DeleteFunc(q.events, func(old Event) bool { return old.Kind == e.Kind })
		q.events = append(q.events, e)
	}
	if len(events) > 0 && q.idle() {
		q.delivered = make(chan struct{})
	}
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take removes and returns the oldest event; false if there is none. The event that was
// taken before counts as delivered.
func (q *queue) take() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		if !q.idle() {
			close(q.delivered)
		}
		return Event{}, false
	}
	first := q.events[0]
	q.events = slices.Delete(q.events, 0, 1)
	return first, true
}

// idle reports whether delivered is closed. The lock is held.
func (q *queue) idle() bool {
	select {
	case <-q.delivered:
		return true
	default:
		return false
	}
}

// allDelivered returns a channel that is closed once everything that is in the queue
// now was delivered or lost.
func (q *queue) allDelivered() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.delivered
}
