package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func at(tick uint64) *snapshot.Snapshot { return &snapshot.Snapshot{Node: 1, Epoch: 99, Tick: tick} }

func TestGetSnapshotReturnsTheNewest(t *testing.T) {
	n := newNode()
	n.Show(at(7))
	got, err := serve(t, n).GetSnapshot(within(t), &hostv1.GetSnapshotRequest{})
	if err != nil || got.GetTick() != 7 || got.GetNode() != 1 || got.GetEpoch() != 99 {
		t.Fatalf("got %v, error %v", got, err)
	}
}

func TestWatchersSeeEveryChangeOnceAndSlowOnesSkip(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	watch, err := serve(t, n).WatchSnapshots(within(t), &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	receive := func() uint64 {
		t.Helper()
		got, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return got.GetTick()
	}
	if tick := receive(); tick != 1 {
		t.Fatalf("the first is of tick %d, want the present one", tick)
	}
	// Each snapshot is far larger than what the connection buffers, so the service has to
	// wait for the reader, and skips.
	const last = 40
	for tick := uint64(2); tick <= last; tick++ {
		large := at(tick)
		large.Logs = []mesh.LogRecord{{Seq: 1, Message: strings.Repeat("x", 1<<20)}}
		n.Show(large)
	}
	before, seen := uint64(1), 0
	for before < last {
		tick := receive()
		if tick <= before {
			t.Fatalf("tick %d after %d", tick, before)
		}
		before = tick
		seen++
	}
	if seen >= last-1 {
		t.Errorf("all %d came, though nobody read: they were queued", seen)
	}
}

func TestAWatchEndsWithTheLoop(t *testing.T) {
	n := newNode()
	watch, err := serve(t, n).WatchSnapshots(within(t), &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	n.End()
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Fatalf("error %v", err)
	}
}

// rings has records 3, 4 and 5 in each ring; 5 is not acknowledged yet.
func rings() *snapshot.Snapshot {
	s := at(1)
	for seq := uint64(3); seq <= 5; seq++ {
		s.Audit = append(s.Audit, mesh.AuditRecord{Seq: seq, Event: mesh.ThawCluster{}})
		s.Logs = append(s.Logs, mesh.LogRecord{Seq: seq, Level: mesh.LevelInfo, Message: "m"})
		s.Failures = append(s.Failures, mesh.FailureRecord{Seq: seq})
	}
	s.Acknowledged = snapshot.AcknowledgedThrough{Audit: 4, Log: 4, Failure: 4}
	return s
}

type record interface {
	GetSeq() uint64
	GetEpoch() uint64
	GetChainPending() bool
}

// seqs reads a tail to its end.
func seqs[R record](t *testing.T, stream interface{ Recv() (R, error) }, err error) []uint64 {
	t.Helper()
	var out []uint64
	for err == nil {
		var r R
		if r, err = stream.Recv(); err == nil {
			if r.GetEpoch() != 99 || r.GetChainPending() != (r.GetSeq() == 5) {
				t.Errorf("epoch %d, seq %d, pending %v", r.GetEpoch(), r.GetSeq(), r.GetChainPending())
			}
			out = append(out, r.GetSeq())
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out
}

func TestTailsStartAfterAPosition(t *testing.T) {
	n := newNode()
	n.Show(rings())
	client := serve(t, n)
	for _, c := range []struct {
		name string
		in   *hostv1.TailRequest
		want []uint64
	}{
		{"no position", &hostv1.TailRequest{}, []uint64{3, 4, 5}},
		{"the present epoch", &hostv1.TailRequest{Epoch: 99, AfterSeq: 3}, []uint64{4, 5}},
		{"at the head", &hostv1.TailRequest{Epoch: 99, AfterSeq: 5}, nil},
		{"another epoch starts at the oldest", &hostv1.TailRequest{Epoch: 98, AfterSeq: 4}, []uint64{3, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := within(t)
			audit, err := client.TailAudit(ctx, c.in)
			if diff := cmp.Diff(c.want, seqs(t, audit, err)); diff != "" {
				t.Errorf("audit: -want +got:\n%s", diff)
			}
			logs, err := client.TailLogs(ctx, c.in)
			if diff := cmp.Diff(c.want, seqs(t, logs, err)); diff != "" {
				t.Errorf("logs: -want +got:\n%s", diff)
			}
			failures, err := client.TailFailures(ctx, c.in)
			if diff := cmp.Diff(c.want, seqs(t, failures, err)); diff != "" {
				t.Errorf("failures: -want +got:\n%s", diff)
			}
		})
	}
}

func TestAFollowedTailGoesOn(t *testing.T) {
	n := newNode()
	n.Show(rings())
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	tail, err := serve(t, n).TailFailures(ctx, &hostv1.TailRequest{Epoch: 99, AfterSeq: 4, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	next := func(want uint64) {
		t.Helper()
		if got, err := tail.Recv(); err != nil || got.GetSeq() != want {
			t.Fatalf("got %v, error %v, want seq %d", got, err, want)
		}
	}
	next(5)
	n.Show(rings()) // nothing new in it
	newer := rings()
	newer.Failures = append(newer.Failures[2:], mesh.FailureRecord{Seq: 6})
	n.Show(newer)
	next(6)
	cancel()
	if _, err := tail.Recv(); status.Code(err) != codes.Canceled {
		t.Fatalf("error %v", err)
	}
}

// Clients that never read share the encoded snapshot that waits for them.
func TestP5_WatchersThatNeverReadShareOneSnapshot(t *testing.T) {
	const watchers, size = 40, 1 << 20
	large := func(tick uint64) *snapshot.Snapshot {
		s := at(tick)
		s.Logs = []mesh.LogRecord{{Seq: 1, Message: strings.Repeat("x", size)}}
		return s
	}
	n := newNode()
	n.Show(large(1))
	path := serveAt(t, n)
	before := heap()
	for range watchers {
		// A client's own window would grow with what it is sent, and it is in this process.
		watch, err := dial(t, path, grpc.WithStaticStreamWindowSize(1<<16), grpc.WithStaticConnWindowSize(1<<16)).WatchSnapshots(within(t), &hostv1.WatchSnapshotsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Header(); err != nil { // it begins to come
			t.Fatal(err)
		}
	}
	for tick := uint64(2); tick < 10; tick++ {
		n.Show(large(tick))
	}
	var grown int64
	testkit.UntilWithin(t, testkit.Patience, func() string {
		return fmt.Sprintf("%d watchers hold %d KiB, though they could share %d KiB", watchers, grown>>10, size>>10)
	}, func() bool { // what is on its way is held as well, for a moment
		grown = heap() - before
		return grown <= watchers*size/2
	})
}

// heap is what is alive, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what lay in pools as well
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
