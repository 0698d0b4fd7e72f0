package loop

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// window bounds how much of a queue its owner works on before it gives the places
// back. Larger means that fewer publishers are woken for more places each.
const window = 128

// queue is a bounded first-in-first-out queue of many publishers and one owner.
//
// The owner reads items where they lie and gives their places back in bulk, so a
// flood costs it one lock per window and not one per item; an item that is being
// folded still has its place. Publishers who find no place wait in line, and the
// owner moves what they hold into freed places, in the order in which they came.
// So while anybody waits the queue is full, and nobody overtakes.
type queue[T any] struct {
	ready chan struct{} // holds a token when an idle owner should look again

	mu      sync.Mutex
	ring    []T
	head, n int
	line    []*waiter[T]
	idle    bool // the owner found nothing and may be waiting for ready
	sealed  bool // takes nothing more
	closed  bool // what is left is not folded

	// Touched by the owner only.
	taken   []T // lying in the ring, not handed to the owner yet
	used    int // handed to the owner, places not given back yet
	drained bool
}

// waiter is a publisher in line, with what did not fit yet. Everything but done
// is guarded by the queue's lock.
type waiter[T any] struct {
	left   []T
	moved  int
	closed bool
	done   chan struct{} // holds a token when all is moved, or the queue was closed
}

func newQueue[T any](places int) *queue[T] {
	return &queue[T]{ready: make(chan struct{}, 1), ring: make([]T, places)}
}

// offer puts one item in, or says at once why not.
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

// put puts items in, in order, and waits for places. It returns how many went in.
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
	q.line = append(q.line, w)
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
	q.line = slices.DeleteFunc(q.line, func(other *waiter[T]) bool { return other == w })
	return w.moved, fmt.Errorf("%w: %w", ErrQueueFull, context.Cause(ctx))
}

// next hands its owner up to most items. They may be read until the next call.
func (q *queue[T]) next(most int) []T {
	if len(q.taken) == 0 {
		q.turn()
	}
	k := min(most, len(q.taken))
	items := q.taken[:k]
	q.taken = q.taken[k:]
	q.used += k
	return items
}

// turn gives back the places of what was used and takes up the next window.
func (q *queue[T]) turn() {
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
		q.moveUp()
	}
	end := min(q.head+min(q.n, window), len(q.ring))
	q.taken = q.ring[q.head:end]
	q.idle = q.n == 0
	q.drained = q.idle && q.sealed
}

// moveUp moves what is held in line into free places. The lock is held.
func (q *queue[T]) moveUp() {
	served := 0
	for _, w := range q.line {
		k := q.pushSome(w.left)
		w.left, w.moved = w.left[k:], w.moved+k
		if len(w.left) > 0 {
			break
		}
		w.done <- struct{}{}
		served++
	}
	q.line = slices.Delete(q.line, 0, served)
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

// pushSome puts in as many items as there are places. The lock is held.
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

// seal takes nothing more from newcomers. What is queued or stands in line is
// still handed out; then the owner finds the queue drained.
func (q *queue[T]) seal() {
	q.mu.Lock()
	q.sealed = true
	q.mu.Unlock()
	q.wake()
}

// close throws away what is left and sends those in line home. Only the owner
// calls it.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sealed, q.closed = true, true
	clear(q.ring)
	q.n, q.taken, q.used = 0, nil, 0
	for _, w := range q.line {
		w.closed = true
		w.done <- struct{}{}
	}
	q.line = nil
}

// depth says how many places are taken.
func (q *queue[T]) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}
