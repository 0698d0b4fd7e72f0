package api

import (
	"context"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// ListChains implements hostv1.HostServer.
func (s *Service) ListChains(_ context.Context, in *hostv1.ListChainsRequest) (*hostv1.ListChainsResponse, error) {
	out := &hostv1.ListChainsResponse{NextId: 1}
	if s.opts.Chains == nil {
		return out, nil
	}
	for _, c := range s.opts.Chains() {
		out.NextId = max(out.NextId, c.GetChain()+1)
		if in.GetDeleted() || !c.GetDeleted() {
			out.Chains = append(out.Chains, c)
		}
	}
	return out, nil
}
