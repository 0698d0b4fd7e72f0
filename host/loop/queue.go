package loop

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// window is how many items of a queue its owner takes at most before it frees their
// places. With a larger window, waiting publishers are woken less often, for more
// places each.
const window = 128

// queue is a bounded first-in-first-out queue with many publishers and one owner.
//
// The owner reads items where they lie in the ring and frees their places in bulk, so
// a flood costs it one lock per window and not one per item; an item that is being
// folded still occupies its place. A publisher who finds no free place becomes a
// waiter, and the owner moves what waiters hold into freed places, in the order in
// which they came. So while anybody waits the queue is full, and nobody overtakes.
type queue[T any] struct {
	ready chan struct{} // holds a token when an idle owner should look again

	mu      sync.Mutex
	ring    []T
	head, n int
	waiters []*waiter[T] // in the order in which they came
	idle    bool         // the owner found nothing and may be waiting for ready
	sealed  bool         // nothing more is taken
	closed  bool         // what is left is not folded

	// Used by the owner only.
	taken   []T  // of the present window, not handed out by next yet
	used    int  // handed out by next, places not freed yet
	drained bool // sealed, and everything was handed out
}

// waiter is a publisher that waits for free places, with what did not fit yet. All but
// done is protected by the queue's lock.
type waiter[T any] struct {
	left   []T
	moved  int
	closed bool
	done   chan struct{} // holds a token when all was moved, or the queue was closed
}

func newQueue[T any](places int) *queue[T] {
	return &queue[T]{ready: make(chan struct{}, 1), ring: make([]T, places)}
}

// offer queues one item, or returns at once why it can't.
func (q *queue[T]) offer(item T) error {
	q.mu.Lock()
	if q.sealed {
		q.mu.Unlock()
		return ErrLoopClosed
	}
	if q.n == len(q.ring) {
		q.mu.Unlock()
		return ErrQueueFull
	}
	q.push(item)
	q.unlockAndWake()
	return nil
}

// put queues items, in order, and waits for free places. It returns how many were
// queued.
func (q *queue[T]) put(ctx context.Context, items []T) (int, error) {
	q.mu.Lock()
	if q.sealed {
		q.mu.Unlock()
		return 0, ErrLoopClosed
	}
	moved := q.pushSome(items)
	if moved == len(items) {
		q.unlockAndWake()
		return moved, nil
	}
	w := &waiter[T]{left: items[moved:], moved: moved, done: make(chan struct{}, 1)}
	q.waiters = append(q.waiters, w)
	q.unlockAndWake()

	select {
	case <-w.done:
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(w.left) == 0:
		return w.moved, nil
	case w.closed:
		return w.moved, ErrLoopClosed
	}
	q.waiters = slices.DeleteFunc(q.waiters, func(other *waiter[T]) bool { return other == w })
	return w.moved, fmt.Errorf("%w: %w", ErrQueueFull, context.Cause(ctx))
}

// next hands out up to most items to the owner, which may read them until the next
// call.
func (q *queue[T]) next(most int) []T {
	if len(q.taken) == 0 {
		q.nextWindow()
	}
	k := min(most, len(q.taken))
	items := q.taken[:k]
	q.taken = q.taken[k:]
	q.used += k
	return items
}

// nextWindow frees the places of what was used and takes the next window.
func (q *queue[T]) nextWindow() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.used > 0 {
		clear(q.ring[q.head : q.head+q.used])
		q.head = (q.head + q.used) % len(q.ring)
		q.n -= q.used
		q.used = 0
		q.admitWaiters()
	}
	end := min(q.head+min(q.n, window), len(q.ring))
	q.taken = q.ring[q.head:end]
	q.idle = q.n == 0
	q.drained = q.idle && q.sealed
}

// admitWaiters moves what waiters hold into free places. The lock is held.
func (q *queue[T]) admitWaiters() {
	served := 0
	for _, w := range q.waiters {
		k := q.pushSome(w.left)
		w.left, w.moved = w.left[k:], w.moved+k
		if len(w.left) > 0 {
			break
		}
		w.done <- struct{}{}
		served++
	}
	q.waiters = slices.Delete(q.waiters, 0, served)
}

// push puts one item into a free place. The lock is held.
func (q *queue[T]) push(item T) {
	at := q.head + q.n
	if at >= len(q.ring) {
		at -= len(q.ring)
	}
	q.ring[at] = item
	q.n++
}

// pushSome puts as many items into the ring as there are free places, and returns how
// many. The lock is held.
func (q *queue[T]) pushSome(items []T) int {
	k := min(len(items), len(q.ring)-q.n)
	for _, item := range items[:k] {
		q.push(item)
	}
	return k
}

// unlockAndWake releases the lock and wakes an owner that found nothing before.
func (q *queue[T]) unlockAndWake() {
	wake := q.idle
	q.idle = false
	q.mu.Unlock()
	if wake {
		q.wake()
	}
}

func (q *queue[T]) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// seal refuses everything from now on. What is queued, or held by waiters, is still
// handed out; then the queue is drained.
func (q *queue[T]) seal() {
	q.mu.Lock()
	q.sealed = true
	q.mu.Unlock()
	q.wake()
}

// close drops what is left and has all waiters return. Only the owner calls it.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sealed, q.closed = true, true
	clear(q.ring)
	q.n, q.taken, q.used = 0, nil, 0
	for _, w := range q.waiters {
		w.closed = true
		w.done <- struct{}{}
	}
	q.waiters = nil
}

// depth returns how many places are occupied.
func (q *queue[T]) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}
