package api

import (
	"context"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// ListChains implements hostv1.HostServer.
func (s *Service) ListChains(ctx context.Context, in *hostv1.ListChainsRequest) (*hostv1.ListChainsResponse, error) {
	out := &hostv1.ListChainsResponse{NextId: 1}
	if s.opts.Chains == nil {
		return out, nil
	}
	spread := false
	for _, c := range s.opts.Chains() {
		out.NextId = max(out.NextId, c.GetChain()+1)
		if in.GetDeleted() || !c.GetDeleted() {
			out.Chains = append(out.Chains, c)
			spread = spread || c.GetSpread() != ""
		}
	}
	if spread {
		_ = s.opts.StateReader.ReadState(ctx, func(st *state.State) { out.Crowded = crowded(st, out) }) // the list holds without it
	}
	return out, nil
}

func crowded(st *state.State, list *hostv1.ListChainsResponse) map[uint64]string {
	out := map[uint64]string{}
	for _, one := range list.GetChains() {
		if c, known := st.Chain(mesh.ChainID(one.GetChain())); known {
			if why := reconcile.Crowded(st, c); why != "" {
				out[one.GetChain()] = why
			}
		}
	}
	return out
}
