package api

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// WatchSnapshots sends the present snapshot and then each newer one. Whoever
// reads too slowly gets the newest when he is ready, and never one twice.
func (s *Service) WatchSnapshots(_ *hostv1.WatchSnapshotsRequest, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	var sent *snapshot.Snapshot
	return s.follow(stream.Context(), func(latest *snapshot.Snapshot) error {
		if latest == sent {
			return nil
		}
		sent = latest
		return stream.Send(wire.SnapshotToProto(latest))
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

// TailAudit implements hostv1.HostServer.
func (s *Service) TailAudit(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.AdminAuditRecord]) error {
	return s.tail(stream.Context(), in, func(latest *snapshot.Snapshot, after uint64) (uint64, error) {
		origin := originOf(latest)
		return sendNewer(latest.Audit, after, func(r mesh.AuditRecord) uint64 { return r.Seq },
			func(r mesh.AuditRecord) error {
				return stream.Send(origin.Audit(r, r.Seq > latest.Acknowledged.Audit))
			})
	})
}

// TailLogs implements hostv1.HostServer.
func (s *Service) TailLogs(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.LogRecord]) error {
	return s.tail(stream.Context(), in, func(latest *snapshot.Snapshot, after uint64) (uint64, error) {
		origin := originOf(latest)
		return sendNewer(latest.Logs, after, func(r mesh.LogRecord) uint64 { return r.Seq },
			func(r mesh.LogRecord) error {
				return stream.Send(origin.Log(r, r.Seq > latest.Acknowledged.Log))
			})
	})
}

// TailFailures implements hostv1.HostServer.
func (s *Service) TailFailures(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.FailureRecord]) error {
	return s.tail(stream.Context(), in, func(latest *snapshot.Snapshot, after uint64) (uint64, error) {
		origin := originOf(latest)
		return sendNewer(latest.Failures, after, func(r mesh.FailureRecord) uint64 { return r.Seq },
			func(r mesh.FailureRecord) error {
				return stream.Send(origin.Failure(r, r.Seq > latest.Acknowledged.Failure))
			})
	})
}

func originOf(s *snapshot.Snapshot) wire.Origin { return wire.Origin{Node: s.Node, Epoch: s.Epoch} }

// tail sends what is newer than the position that was asked for, once or for as
// long as the client listens. A position of another epoch is none.
func (s *Service) tail(
	ctx context.Context, in *hostv1.TailRequest, send func(latest *snapshot.Snapshot, after uint64) (uint64, error),
) error {
	after := in.GetAfterSeq()
	if in.GetEpoch() != s.opts.Reader.Latest().Epoch {
		after = 0
	}
	visit := func(latest *snapshot.Snapshot) error {
		newest, err := send(latest, after)
		after = newest
		return err
	}
	if !in.GetFollow() {
		return visit(s.opts.Reader.Latest())
	}
	return s.follow(ctx, visit)
}

// sendNewer sends what is newer than after, and gives the seq of the newest.
func sendNewer[R any](ring []R, after uint64, seq func(R) uint64, send func(R) error) (uint64, error) {
	for _, record := range ring {
		if seq(record) <= after {
			continue
		}
		if err := send(record); err != nil {
			return after, err
		}
		after = seq(record)
	}
	return after, nil
}
