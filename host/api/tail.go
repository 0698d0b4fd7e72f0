package api

import (
	"context"
	"sort"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

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
		acked:  func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Audit },
		encode: wire.Origin.Audit,
		stored: (*meshosv1.Record).GetAudit,
		wall:   (*meshosv1.AdminAuditRecord).GetCommittedAt,
	})
}

// TailLogs implements hostv1.HostServer.
func (s *Service) TailLogs(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.LogRecord]) error {
	return tail(s, in, stream, tailed[mesh.LogRecord, meshosv1.LogRecord]{
		chain:  mesh.ChainLog,
		ring:   func(latest *snapshot.Snapshot) []mesh.LogRecord { return latest.Logs },
		seq:    func(r mesh.LogRecord) uint64 { return r.Seq },
		acked:  func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Log },
		encode: wire.Origin.Log,
		stored: func(r *meshosv1.Record) *meshosv1.LogRecord {
			line := r.GetLog()
			if line != nil {
				line.Output = nil // of use to the node alone
			}
			return line
		},
		wall:   (*meshosv1.LogRecord).GetAt,
		wanted: lines(in),
	})
}

// TailFailures implements hostv1.HostServer.
func (s *Service) TailFailures(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.FailureRecord]) error {
	return tail(s, in, stream, tailed[mesh.FailureRecord, meshosv1.FailureRecord]{
		chain:  mesh.ChainFailure,
		ring:   func(latest *snapshot.Snapshot) []mesh.FailureRecord { return latest.Failures },
		seq:    func(r mesh.FailureRecord) uint64 { return r.Seq },
		acked:  func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Failure },
		encode: wire.Origin.Failure,
		stored: (*meshosv1.Record).GetFailure,
		wall:   (*meshosv1.FailureRecord).GetAt,
	})
}

// TailActions implements hostv1.HostServer.
func (s *Service) TailActions(in *hostv1.TailRequest, stream grpc.ServerStreamingServer[meshosv1.ActionRecord]) error {
	return tail(s, in, stream, tailed[mesh.ActionRecord, meshosv1.ActionRecord]{
		chain: mesh.ChainAction,
		ring:  func(latest *snapshot.Snapshot) []mesh.ActionRecord { return latest.Actions },
		seq:   func(r mesh.ActionRecord) uint64 { return r.Seq },
		acked: func(latest *snapshot.Snapshot) uint64 { return latest.Acknowledged.Action },
		encode: func(from wire.Origin, r mesh.ActionRecord, _ bool) *meshosv1.ActionRecord {
			return from.Action(r)
		},
		stored: (*meshosv1.Record).GetAction,
		wall:   (*meshosv1.ActionRecord).GetAt,
	})
}

// tailed says how to read one chain of records, in memory and on disk.
type tailed[R, M any] struct {
	chain  mesh.RecordChain
	ring   func(*snapshot.Snapshot) []R // the records in memory
	seq    func(R) uint64
	acked  func(*snapshot.Snapshot) uint64 // the newest record that all appenders have
	encode func(from wire.Origin, r R, pending bool) *M
	stored func(*meshosv1.Record) *M // takes the message out of a record on disk
	wall   func(*M) *timestamppb.Timestamp
	wanted func(*M) bool // nil: all
}

// positioned is implemented by all records of the contract.
type positioned interface {
	GetEpoch() uint64
	GetSeq() uint64
}

// lines returns which lines of the log a request wants.
func lines(in *hostv1.TailRequest) func(*meshosv1.LogRecord) bool {
	return func(r *meshosv1.LogRecord) bool {
		return r.GetLevel() >= in.GetMinLevel() && (in.DaemonId == nil || r.DaemonId != nil && r.GetDaemonId() == in.GetDaemonId())
	}
}

// tail sends the records after the position that was asked for: once, or until the client
// ends the call.
func tail[R, M any](s *Service, in *hostv1.TailRequest, stream grpc.ServerStreamingServer[M], what tailed[R, M]) error {
	t := &tailer[R, M]{tailed: what, s: s, stream: stream, at: mesh.RecordPosition{Epoch: in.GetEpoch(), Seq: in.GetAfterSeq()}}
	if err := t.limits(in); err != nil {
		return err
	}
	ctx := stream.Context()
	if in.GetNewest() > 0 {
		if err := t.newest(ctx, s.latest(ctx), int(in.GetNewest())); err != nil {
			return t.explain(ctx, err)
		}
	}
	if !in.GetFollow() {
		return t.visit(ctx, s.latest(ctx))
	}
	return s.follow(ctx, func(latest *snapshot.Snapshot) error { return t.visit(ctx, latest) })
}

// tailer sends the new records of one chain to one client.
type tailer[R, M any] struct {
	tailed[R, M]
	s      *Service
	stream grpc.ServerStreamingServer[M]
	at     mesh.RecordPosition
	until  time.Time // zero: no end
	began  bool      // the position asked for was looked up
}

// maxNewest is how many records a client may ask for as the newest.
const maxNewest = 1 << 20

// limits takes over which records a request wants.
func (t *tailer[R, M]) limits(in *hostv1.TailRequest) error {
	since, err := timeIn("since", in.GetSince())
	if err != nil {
		return err
	}
	if t.until, err = timeIn("until", in.GetUntil()); err != nil {
		return err
	}
	t.at.Since = since
	switch {
	case in.GetNewest() > 0 && in.GetEpoch() > 0:
		return status.Error(codes.InvalidArgument, "newest: must not be set with a position")
	case in.GetNewest() > maxNewest:
		return status.Errorf(codes.InvalidArgument, "newest: is %d, and may be at most %d", in.GetNewest(), maxNewest)
	}
	return nil
}

func timeIn(field string, t *timestamppb.Timestamp) (time.Time, error) {
	switch {
	case t == nil:
		return time.Time{}, nil
	case !t.IsValid():
		return time.Time{}, status.Errorf(codes.InvalidArgument, "%s: is not a valid time", field)
	}
	return t.AsTime(), nil
}

// wants reports whether the client wants a record, wherever the tail begins.
func (t *tailer[R, M]) wants(m *M) bool {
	at := t.wall(m).AsTime()
	return !at.Before(t.at.Since) && (t.until.IsZero() || at.Before(t.until)) && (t.wanted == nil || t.wanted(m))
}

// newest moves the position to the newest n records that the client wants. What is in memory
// counts first; only the rest is looked for on disk.
func (t *tailer[R, M]) newest(ctx context.Context, latest *snapshot.Snapshot, n int) error {
	ring, origin := t.ring(latest), originOf(latest)
	for i := len(ring) - 1; i >= 0 && n > 0; i-- {
		if t.wants(t.encode(origin, ring[i], false)) {
			n--
		}
		if n == 0 {
			t.at.Epoch, t.at.Seq = latest.Epoch, t.seq(ring[i])-1
			return nil
		}
	}
	if t.s.opts.Records == nil {
		return nil
	}
	first := uint64(1) // of those in memory
	if len(ring) > 0 {
		first = t.seq(ring[0])
	}
	from, err := t.s.opts.Records.Newest(ctx, t.chain, n, func(record *meshosv1.Record) bool {
		m := t.stored(record)
		at, ok := any(m).(positioned)
		return ok && (at.GetEpoch() != latest.Epoch || at.GetSeq() < first) && t.wants(m)
	})
	t.at.From = from
	return err
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
		message := t.encode(origin, r, t.seq(r) > acked)
		if !t.wants(message) {
			continue
		}
		if err := t.stream.Send(message); err != nil {
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
		if !t.wants(message) {
			return nil
		}
		select {
		case <-t.s.stopping.Done():
			return status.Error(codes.Unavailable, "the node is stopping")
		default:
			return t.stream.Send(message)
		}
	})
	t.at.From = 0 // from here on the last record that was read counts
	return t.explain(ctx, err)
}

// explain returns the error of reading records as the client gets it.
func (t *tailer[R, M]) explain(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return err
}
