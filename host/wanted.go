package host

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
)

// lookTimeout bounds how long the executor waits for a look at the state.
const lookTimeout = time.Second

// stillWanted asks the state whether an action is still wanted before it is tried
// again. When nobody answers it is.
func stillWanted(feed loop.Feed) func(mesh.Action) bool {
	return func(a mesh.Action) bool {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		var gone atomic.Bool
		_ = feed.ReadState(ctx, func(s *state.State) { gone.Store(!reconcile.StillWanted(s, a)) })
		return !gone.Load()
	}
}
