package loop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
)

// wantedTimeout bounds how long StillWanted waits for the loop.
const wantedTimeout = time.Second

// StillWanted reports whether the reason of an action still holds in the state of the
// node. It reports true when the loop does not answer in time.
func (f Feed) StillWanted(a mesh.Action) bool {
	ctx, cancel := context.WithTimeout(context.Background(), wantedTimeout)
	defer cancel()
	var gone atomic.Bool
	_ = f.ReadState(ctx, func(s *state.State) { gone.Store(!reconcile.StillWanted(s, a)) })
	return !gone.Load()
}
