package loop

import (
	"context"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/mesh"
)

// RecoveryHandler places again what a failed placement left without a place. It
// is asked at every tick together with the probes, within the same budget; the
// events that it gives are folded before the pass. One that panics is a failed
// call, and is asked again at the next tick.
type RecoveryHandler interface {
	// Name says whose events these are; it must not change.
	Name() string
	// Recover is told which peers are healthy as of the last tick, ascending. ctx
	// has a deadline and ends with the loop.
	Recover(ctx context.Context, healthy []mesh.NodeID) ([]mesh.Event, error)
}

// Handlers are the recovery handlers that a loop asks, in the order in which they
// were added. Changes take effect at the next tick, also those that a handler
// makes while it runs. The zero value is empty and ready; it is safe for
// concurrent use.
type Handlers struct {
	mu   sync.Mutex
	list []*source
}

// Add adds a handler. remove takes it away again, and may be ignored.
func (h *Handlers) Add(handler RecoveryHandler) (remove func()) {
	src := &source{
		kind: recoveryHandler, name: handler.Name(),
		ask: func(ctx context.Context, healthy []mesh.NodeID) (answer, error) {
			events, err := handler.Recover(ctx, healthy)
			return answer{events: events}, err
		},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, src)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = slices.DeleteFunc(h.list, func(other *source) bool { return other == src })
	}
}

// Len says how many handlers there are.
func (h *Handlers) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.list)
}

func (h *Handlers) sources() []*source {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}
