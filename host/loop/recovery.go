package loop

import (
	"context"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/mesh"
)

// RecoveryHandler recovers from failed placements. It is called at every tick together
// with the probes, within the same budget. What it has recovered it publishes, as
// everybody does who has events; what is queued when it returns is folded before the pass
// if no more than a chunk is. A panic is a failed call: the handler is called again at the
// next tick.
type RecoveryHandler interface {
	// Name returns the name of the handler in records; it must not change.
	Name() string
	// Recover is called with the peers that were healthy at the last tick, ascending.
	// ctx has a deadline and ends with the loop.
	Recover(ctx context.Context, healthy []mesh.NodeID) error
}

// Handlers are the recovery handlers that a loop calls, in the order in which they were
// added. Changes take effect at the next tick, also those that a handler makes while
// it runs. The zero value is empty and ready to use. Handlers are safe for concurrent
// use.
type Handlers struct {
	mu   sync.Mutex
	list []*source
}

// Add adds a handler; remove removes it again.
func (h *Handlers) Add(handler RecoveryHandler) (remove func()) {
	src := &source{
		kind: recoveryHandler, name: handler.Name(),
		ask: func(ctx context.Context, healthy []mesh.NodeID) (answer, error) {
			return answer{}, handler.Recover(ctx, healthy)
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

// count returns how many handlers there are.
func (h *Handlers) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.list)
}

func (h *Handlers) sources() []*source {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}
