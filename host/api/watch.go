package api

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// WatchSnapshots implements hostv1.HostServer.
func (s *Service) WatchSnapshots(in *hostv1.WatchSnapshotsRequest, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	f, err := wire.FilterFromProto(in.GetFilter())
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if in.GetDeltas() {
		f = f.ForDeltas()
		return s.watchDeltas(&f, stream)
	}
	return s.watchWhole(&f, stream)
}

// watchWhole sends the present snapshot and then each newer one, never one twice. A client
// that reads too slowly gets the newest one next.
func (s *Service) watchWhole(f *wire.Filter, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	first, sent := true, uint64(0)
	return s.follow(stream.Context(), func(latest *snapshot.Snapshot) error {
		if !first && latest.Tick == sent { // when the loop ends, it adds records to the last one
			return nil
		}
		first, sent = false, latest.Tick
		encode := s.newest.encode
		if f.Some() {
			encode = func(latest *snapshot.Snapshot) (encoded, error) { return encodeWhole(latest, f) }
		}
		message, err := encode(latest)
		if errors.Is(err, errTooLarge) {
			return status.Errorf(codes.ResourceExhausted, "the snapshot of this node is larger than %d MiB: ask for deltas (WatchSnapshotsRequest.deltas), or for less of it with a filter", MaxAnswer>>20)
		}
		if err != nil {
			return status.Errorf(codes.Internal, "the snapshot can't be encoded: %v", err)
		}
		return stream.SendMsg(message)
	})
}

// watchDeltas sends the present snapshot in pages, and then what leads from what was sent to
// the newest one. A client that reads too slowly gets one larger difference next.
func (s *Service) watchDeltas(f *wire.Filter, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	var sent *snapshot.Snapshot
	return s.follow(stream.Context(), func(latest *snapshot.Snapshot) error {
		earlier := sent
		sent = latest
		if earlier == nil {
			return sendPages(latest, f, stream)
		}
		messages, err := s.changes.encode(earlier, latest, f)
		if err != nil {
			return status.Errorf(codes.Internal, "what changed can't be encoded: %v", err)
		}
		for _, message := range messages {
			if err := stream.SendMsg(message); err != nil {
				return err
			}
		}
		return nil
	})
}

// sendPages sends a whole snapshot. In a stream next_page asks for nothing: it says that
// another page follows.
func sendPages(s *snapshot.Snapshot, f *wire.Filter, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	var at wire.Position
	for more := true; more; {
		var out *meshosv1.Snapshot
		if out, at, more = wire.SnapshotPage(s, f, at, pageSize); more {
			out.NextPage = "follows"
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
	return nil
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
