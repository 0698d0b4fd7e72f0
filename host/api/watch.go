package api

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// WatchSnapshots sends the present snapshot and then each newer one, never one twice. A
// client that reads too slowly gets the newest one next.
func (s *Service) WatchSnapshots(_ *hostv1.WatchSnapshotsRequest, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	first, sent := true, uint64(0)
	return s.follow(stream.Context(), func(latest *snapshot.Snapshot) error {
		if !first && latest.Tick == sent { // when the loop ends, it adds records to the last one
			return nil
		}
		first, sent = false, latest.Tick
		message, err := s.newest.encode(latest)
		if err != nil {
			return status.Errorf(codes.Internal, "the snapshot can't be encoded: %v", err)
		}
		return stream.SendMsg(message)
	})
}

// follow calls visit with the present snapshot and then with each newer one, until visit
// fails, ctx is done, the service stops, or the loop has ended. It returns which of these.
func (s *Service) follow(ctx context.Context, visit func(*snapshot.Snapshot) error) error {
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	s.latest(following) // the first one shows what was answered before
	for latest := range follow.Snapshots(following, s.opts.Reader) {
		if err := visit(latest); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case s.stopping.Err() != nil:
		return status.Error(codes.Unavailable, "the node is stopping")
	}
	return status.Error(codes.Unavailable, "the node's loop has ended")
}

func originOf(s *snapshot.Snapshot) wire.Origin { return wire.Origin{Node: s.Node, Epoch: s.Epoch} }
