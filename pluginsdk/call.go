package pluginsdk

import (
	"context"
	"slices"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// call runs f on the current instance, which stays until f has returned.
func call[I, R any](ctx context.Context, s *Server, f func(context.Context, I) (R, error)) (R, error) {
	var none R
	inst, err := s.acquire()
	if err != nil {
		return none, err
	}
	defer inst.release()
	if err := s.introduce(inst); err != nil {
		return none, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(inst.calls, cancel)()
	return f(ctx, inst.value.(I))
}

// introduce tells a PeerWatcher that serves a probe the peers before its first call,
// that there are none if nobody has said so yet. Other plugins are not told of peers.
func (s *Server) introduce(inst *instance) error {
	if !slices.ContainsFunc(s.kinds, isProbe) {
		return nil
	}
	return inst.tell(s.peersNow(), true)
}

// isProbe says whether a host tells plugins of a kind the peers.
func isProbe(kind string) bool {
	return kind == wire.KindLocalityProbe || kind == wire.KindHealthProbe || kind == wire.KindInventoryProbe
}
