package api

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/state"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// probesAtOnce is how many calls of Probe run at the same time; the others wait. The calls of
// a plugin are limited, and the loop needs them.
const probesAtOnce = 2

// Probe implements hostv1.HostServer.
func (s *Service) Probe(ctx context.Context, in *hostv1.ProbeRequest) (*hostv1.ProbeResponse, error) {
	latest := s.opts.Reader.Latest()
	id := in.GetPeer()
	switch subject := in.GetSubject().(type) {
	case nil:
		return nil, status.Error(codes.InvalidArgument, "subject: must be one of peer and peer_name")
	case *hostv1.ProbeRequest_PeerName:
		// Of the state, which knows the peers before the first tick.
		var unknown error
		if err := s.opts.StateReader.ReadState(ctx, func(st *state.State) { id, unknown = named("peer", subject.PeerName, peerNames(st)) }); err != nil {
			return nil, status.Error(codes.Unavailable, err.Error())
		}
		if unknown != nil {
			return nil, explainError(unknown)
		}
	}
	if id == uint64(latest.Node) {
		return nil, status.Errorf(codes.FailedPrecondition, "node %d is this node itself, which no probe measures", id)
	}
	select {
	case s.probing <- struct{}{}:
		defer func() { <-s.probing }()
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	out, err := s.opts.Plugins.Probe(ctx, id, in.GetPathMtu())
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return out, nil
}
