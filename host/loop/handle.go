package loop

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/meshos/meshos/host/mesh"
)

// Handle publishes events to a loop. Any number of goroutines may use it. Its owner
// closes it; when the last handle of a loop is closed, the loop folds what is queued
// and ends.
//
// A log line that is longer than 8 KiB is cut; any other event that is larger than
// MaxEvent is refused with an *EventTooLargeError, and with it its whole batch.
type Handle struct {
	events *queue[mesh.Event]
	open   *handleCount
	ended  <-chan struct{} // closed after the loop ended
	closed atomic.Bool     // this handle is; written under the count's lock
}

// handleCount counts the open handles of one loop.
type handleCount struct {
	mu sync.Mutex
	n  int
}

// Handle opens a handle to publish with. The loop ends when all handles are closed; a
// handle that is opened after that returns ErrLoopClosed from its methods.
func (l *Loop) Handle() *Handle {
	h := &Handle{events: l.events, open: &l.handles, ended: l.Done()}
	h.open.mu.Lock()
	defer h.open.mu.Unlock()
	h.open.n++
	return h
}

// Publish queues an event. It waits for a free place until ctx is done; then its error
// is ErrQueueFull with the cause of ctx. What one goroutine publishes is folded in the
// order in which it published.
func (h *Handle) Publish(ctx context.Context, ev mesh.Event) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish event: %w", context.Cause(ctx))
	}
	ev, err := h.fitted(ev)
	if err != nil {
		return err
	}
	if err := h.events.offer(ev); err != ErrQueueFull { //nolint:errorlint // offer returns it bare
		return err
	}
	if _, err := h.events.put(ctx, []mesh.Event{ev}); err != nil {
		return fmt.Errorf("publish event: %w", err)
	}
	return nil
}

// TryPublish queues an event if there is a free place now, and returns ErrQueueFull
// otherwise.
func (h *Handle) TryPublish(ev mesh.Event) error {
	ev, err := h.fitted(ev)
	if err != nil {
		return err
	}
	return h.events.offer(ev)
}

func (h *Handle) fitted(ev mesh.Event) (mesh.Event, error) {
	if h.closed.Load() {
		return nil, ErrHandleClosed
	}
	return fit(ev)
}

// PublishBatch queues events in order, and waits for free places as Publish does. It
// returns how many were queued: those are folded, the rest are not. No other
// publisher's event gets between those of a batch that had to wait.
func (h *Handle) PublishBatch(ctx context.Context, evs []mesh.Event) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("publish %d events: %w", len(evs), context.Cause(ctx))
	}
	if h.closed.Load() {
		return 0, ErrHandleClosed
	}
	evs, err := fitAll(evs)
	if err != nil {
		return 0, err
	}
	n, err := h.events.put(ctx, evs)
	if err != nil {
		return n, fmt.Errorf("publish %d events: %w", len(evs), err)
	}
	return n, nil
}

// Clone opens another handle of the same loop, for another owner. The clone of a
// closed handle is closed.
func (h *Handle) Clone() *Handle {
	clone := &Handle{events: h.events, open: h.open, ended: h.ended}
	h.open.mu.Lock()
	defer h.open.mu.Unlock()
	if h.closed.Load() {
		clone.closed.Store(true)
		return clone
	}
	h.open.n++
	return clone
}

// Close closes this handle. It may be called more than once.
func (h *Handle) Close() {
	h.open.mu.Lock()
	defer h.open.mu.Unlock()
	if h.closed.Swap(true) {
		return
	}
	h.open.n--
	if h.open.n == 0 {
		h.events.seal()
	}
}
