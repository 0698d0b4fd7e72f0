package api

import (
	"context"
	"sort"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// GapHeader is the header of a tail whose start position is no longer known, so that
// records after it may be missing. Its value is "unknown".
const GapHeader = "meshos-gap"

// TailAudit implements hostv1.HostServer.
func (s *Service) TailAudit(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.AdminAuditRecord]) error {
	return tail(s, in, stream, tailed[mesh.AuditRecord, meshosv1.AdminAuditRecord]{
		chain:  mesh.ChainAudit,
		ring:   func(latest *snapshot.Snapshot) []mesh.AuditRecord { return latest.Audit },
		seq:    func(r mesh.AuditRecord) uint64 { return r.Seq },
		wall:   func(r mesh.AuditRecord) time.Time { return r.Wall },
		acked:  func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Audit },
		encode: wire.Origin.Audit,
		stored: (*meshosv1.Record).GetAudit,
	})
}

// TailLogs implements hostv1.HostServer.
func (s *Service) TailLogs(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.LogRecord]) error {
	return tail(s, in, stream, tailed[mesh.LogRecord, meshosv1.LogRecord]{
		chain:  mesh.ChainLog,
		ring:   func(latest *snapshot.Snapshot) []mesh.LogRecord { return latest.Logs },
		seq:    func(r mesh.LogRecord) uint64 { return r.Seq },
		wall:   func(r mesh.LogRecord) time.Time { return r.Wall },
		acked:  func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Log },
		encode: wire.Origin.Log,
		stored: (*meshosv1.Record).GetLog,
	})
}

// TailFailures implements hostv1.HostServer.
func (s *Service) TailFailures(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.FailureRecord]) error {
	return tail(s, in, stream, tailed[mesh.FailureRecord, meshosv1.FailureRecord]{
		chain:  mesh.ChainFailure,
		ring:   func(latest *snapshot.Snapshot) []mesh.FailureRecord { return latest.Failures },
		seq:    func(r mesh.FailureRecord) uint64 { return r.Seq },
		wall:   func(r mesh.FailureRecord) time.Time { return r.Wall },
		acked:  func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Failure },
		encode: wire.Origin.Failure,
		stored: (*meshosv1.Record).GetFailure,
	})
}

// tailed says how to read one chain of records, in memory and on disk.
type tailed[R, M any] struct {
	chain  mesh.RecordChain
	ring   func(*snapshot.Snapshot) []R // the records in memory
	seq    func(R) uint64
	wall   func(R) time.Time
	acked  func(*snapshot.Snapshot) uint64 // the newest record that all appenders have
	encode func(from wire.Origin, r R, pending bool) *M
	stored func(*meshosv1.Record) *M // takes the message out of a record on disk
}

// positioned is implemented by all records of the contract.
type positioned interface {
	GetEpoch() uint64
	GetSeq() uint64
}

// tail sends the records after the position that was asked for: once, or until the client
// ends the call.
func tail[R, M any](s *Service, in *hostv1.TailRequest, stream grpc.ServerStreamingServer[M], what tailed[R, M]) error {
	if in.GetSince() != nil && !in.GetSince().IsValid() {
		return status.Error(codes.InvalidArgument, "since: is not a valid time")
	}
	t := &tailer[R, M]{tailed: what, s: s, stream: stream, at: mesh.RecordPosition{Epoch: in.GetEpoch(), Seq: in.GetAfterSeq()}}
	if in.GetSince() != nil {
		t.at.Since = in.GetSince().AsTime()
	}
	if !in.GetFollow() {
		return t.visit(stream.Context(), s.opts.Reader.Latest())
	}
	return s.follow(stream.Context(), func(latest *snapshot.Snapshot) error { return t.visit(stream.Context(), latest) })
}

// tailer sends the new records of one chain to one client.
type tailer[R, M any] struct {
	tailed[R, M]
	s      *Service
	stream grpc.ServerStreamingServer[M]
	at     mesh.RecordPosition
	began  bool // the position asked for was looked up
}

// visit sends the records after the position: those that are no longer in memory from
// disk, then the others.
func (t *tailer[R, M]) visit(ctx context.Context, latest *snapshot.Snapshot) error {
	ring := t.ring(latest)
	if t.at.Epoch != latest.Epoch || t.gapIn(ring) {
		if err := t.read(ctx); err != nil {
			return err
		}
		if t.at.Epoch != latest.Epoch { // all records of earlier epochs are sent
			t.at.Epoch, t.at.Seq = latest.Epoch, 0
		}
	}
	origin, acked := originOf(latest), t.acked(latest) // keeps latest from being held while Send blocks
	for _, r := range ring {
		if t.seq(r) <= t.at.Seq {
			continue
		}
		t.at.Seq = t.seq(r)
		if t.wall(r).Before(t.at.Since) {
			continue
		}
		if err := t.stream.Send(t.encode(origin, r, t.seq(r) > acked)); err != nil {
			return err
		}
	}
	return nil
}

// gapIn reports whether records behind the position are missing in a ring: at its begin or,
// since a flood of lines pushes out its own, in its middle.
func (t *tailer[R, M]) gapIn(ring []R) bool {
	if len(ring) == 0 {
		return false
	}
	first := sort.Search(len(ring), func(i int) bool { return t.seq(ring[i]) > t.at.Seq })
	return uint64(len(ring)-first) < t.seq(ring[len(ring)-1])-min(t.at.Seq, t.seq(ring[len(ring)-1]))
}

// read sends the records on disk.
func (t *tailer[R, M]) read(ctx context.Context) error {
	if t.s.opts.Records == nil {
		return nil
	}
	known := func(known bool) error {
		first := !t.began
		t.began = true
		if known || !first {
			return nil
		}
		return t.stream.SetHeader(metadata.Pairs(GapHeader, "unknown"))
	}
	err := t.s.opts.Records.Read(ctx, t.chain, t.at, known, func(record *meshosv1.Record) error {
		message := t.stored(record)
		if at, ok := any(message).(positioned); ok {
			t.at.Epoch, t.at.Seq = at.GetEpoch(), at.GetSeq()
		}
		select {
		case <-t.s.stopping.Done():
			return status.Error(codes.Unavailable, "the node is stopping")
		default:
			return t.stream.Send(message)
		}
	})
	if err != nil && ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return err
}
