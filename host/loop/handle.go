package loop

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/meshos/meshos/host/mesh"
)

// Handle publishes events to a loop. Any number of goroutines may use it. Its
// owner closes it; when the last handle of a loop is closed, the loop folds what
// is queued and ends.
//
// A log line that is longer than 8 KiB is cut; any other event that holds more than
// MaxEvent is refused with an *EventTooLargeError, and with it its whole batch.
type Handle struct {
	door   *door
	closed atomic.Bool
}

// door counts the open handles of one event queue.
type door struct {
	events *queue[mesh.Event]
	ended  <-chan struct{} // closed after the loop ended
	mu     sync.Mutex
	open   int
}

// handle opens one more handle. After the last one was closed the queue is sealed
// for good, and a handle opened then answers ErrLoopClosed.
func (d *door) handle() *Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	return &Handle{door: d}
}

// Publish queues an event and waits for a place until ctx is done, then its error
// is ErrQueueFull with the cause of ctx. What one goroutine publishes is folded in
// its order.
func (h *Handle) Publish(ctx context.Context, ev mesh.Event) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish event: %w", context.Cause(ctx))
	}
	ev, err := h.fitted(ev)
	if err != nil {
		return err
	}
	if err := h.door.events.offer(ev); err != ErrQueueFull { //nolint:errorlint // offer returns it bare
		return err
	}
	if _, err := h.door.events.put(ctx, []mesh.Event{ev}); err != nil {
		return fmt.Errorf("publish event: %w", err)
	}
	return nil
}

// TryPublish queues an event if there is a place now, and returns ErrQueueFull
// otherwise.
func (h *Handle) TryPublish(ev mesh.Event) error {
	ev, err := h.fitted(ev)
	if err != nil {
		return err
	}
	return h.door.events.offer(ev)
}

func (h *Handle) fitted(ev mesh.Event) (mesh.Event, error) {
	if h.closed.Load() {
		return nil, ErrHandleClosed
	}
	return fit(ev)
}

// PublishBatch queues events in order and waits for places as Publish does. It
// returns how many were queued: those are folded, the rest are not. Nobody else's
// event gets between those of a batch that had to wait.
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
	n, err := h.door.events.put(ctx, evs)
	if err != nil {
		return n, fmt.Errorf("publish %d events: %w", len(evs), err)
	}
	return n, nil
}

// Clone opens another handle of the same loop, with an owner of its own. The clone
// of a closed handle is closed.
func (h *Handle) Clone() *Handle {
	h.door.mu.Lock()
	defer h.door.mu.Unlock()
	if h.closed.Load() {
		closed := &Handle{door: h.door}
		closed.closed.Store(true)
		return closed
	}
	h.door.open++
	return &Handle{door: h.door}
}

// Close ends the use of this handle. It may be called more than once.
func (h *Handle) Close() {
	h.door.mu.Lock()
	defer h.door.mu.Unlock()
	if h.closed.Swap(true) {
		return
	}
	h.door.open--
	if h.door.open == 0 {
		h.door.events.seal()
	}
}
