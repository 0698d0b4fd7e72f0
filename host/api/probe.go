package api

import (
	"context"
	"iter"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/snapshot"
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
		var err error
		if id, err = named("peer", subject.PeerName, namesOf(latest)); err != nil {
			return nil, explainError(err)
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

// namesOf returns the peers of a snapshot with their names, and this node.
func namesOf(s *snapshot.Snapshot) iter.Seq2[uint64, string] {
	return func(yield func(uint64, string) bool) {
		if s.Info != nil && !yield(uint64(s.Node), s.Info.Name) {
			return
		}
		for _, p := range s.Peers {
			if p.Node != s.Node && !yield(uint64(p.Node), p.Name) {
				return
			}
		}
	}
}
