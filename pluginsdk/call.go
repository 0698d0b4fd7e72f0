package pluginsdk

import (
	"context"
	"slices"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// call runs f on the current instance, which is not closed before f has returned.
func call[I, R any](ctx context.Context, s *Server, f func(context.Context, I) (R, error)) (R, error) {
	var none R
	inst, err := s.acquire()
	if err != nil {
		return none, err
	}
	defer inst.release()
	if err := s.ensurePeers(inst); err != nil {
		return none, err
	}
	c := &callContext{caller: ctx, instance: inst.calls}
	defer c.end()
	return f(c, inst.value.(I))
}

// ensurePeers calls SetPeers of a probe before its first call, with no peers if the host
// has not sent any yet. Plugins that serve no probe get no peers.
func (s *Server) ensurePeers(inst *instance) error {
	if !slices.ContainsFunc(s.kinds, isProbe) {
		return nil
	}
	return inst.setPeers(s.peersNow(), true)
}

// isProbe reports whether a host sends the peers to plugins of this kind.
func isProbe(kind string) bool {
	return kind == wire.KindLocalityProbe || kind == wire.KindHealthProbe || kind == wire.KindInventoryProbe
}
