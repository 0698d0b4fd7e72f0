package api

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// WatchSnapshots sends the present snapshot and then each newer one. Whoever
// reads too slowly gets the newest when he is ready, and never one twice.
func (s *Service) WatchSnapshots(_ *hostv1.WatchSnapshotsRequest, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	first, sent := true, uint64(0)
	return s.follow(stream.Context(), func(latest *snapshot.Snapshot) error {
		if !first && latest.Tick == sent { // at the end records are added to the last one
			return nil
		}
		first, sent = false, latest.Tick
		message, err := s.edition.of(latest)
		if err != nil {
			return status.Errorf(codes.Internal, "the snapshot can't be encoded: %v", err)
		}
		return stream.SendMsg(message)
	})
}

// follow calls visit with the present snapshot and after each change, until ctx
// is done, visit fails, or there will be no more.
func (s *Service) follow(ctx context.Context, visit func(*snapshot.Snapshot) error) error {
	for {
		changed := s.opts.Reader.Changed() // before Latest, so as to miss none
		if err := visit(s.opts.Reader.Latest()); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-s.stopping:
			return status.Error(codes.Unavailable, "the node is stopping")
		case <-s.opts.Reader.Done():
			if err := visit(s.opts.Reader.Latest()); err != nil {
				return err
			}
			return status.Error(codes.Unavailable, "the node's loop has ended")
		}
	}
}

func originOf(s *snapshot.Snapshot) wire.Origin { return wire.Origin{Node: s.Node, Epoch: s.Epoch} }
