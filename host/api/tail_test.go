package api_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// stored is what is on disk: failures of epoch 98 and 99.
type stored []*meshosv1.FailureRecord

func onDisk(epoch uint64, seqs ...uint64) (out stored) {
	for _, seq := range seqs {
		out = append(out, &meshosv1.FailureRecord{Epoch: epoch, Seq: seq, At: timestamppb.New(second(seq))})
	}
	return out
}

func second(seq uint64) time.Time { return time.Unix(int64(seq), 0).UTC() }

func (s stored) Read(
	_ context.Context, c mesh.RecordChain, from mesh.RecordPosition, known func(bool) error, visit func(*meshosv1.Record) error,
) error {
	at := slices.IndexFunc(s, func(f *meshosv1.FailureRecord) bool { return f.Epoch == from.Epoch })
	if err := known(at >= 0 || from.Epoch == 0); err != nil {
		return err
	}
	for i, f := range s {
		if i+1 < int(from.From) || c != mesh.ChainFailure || at >= 0 && (i < at || f.Epoch == from.Epoch && f.Seq <= from.Seq) || f.At.AsTime().Before(from.Since) {
			continue
		}
		if err := visit(&meshosv1.Record{Kind: &meshosv1.Record_Failure{Failure: f}}); err != nil {
			return err
		}
	}
	return nil
}

func (s stored) Newest(_ context.Context, _ mesh.RecordChain, n int, wanted func(*meshosv1.Record) bool) (uint64, error) {
	for i := len(s) - 1; i >= 0; i-- {
		if wanted(&meshosv1.Record{Kind: &meshosv1.Record_Failure{Failure: s[i]}}) {
			n--
		}
		if n == 0 {
			return uint64(i + 1), nil
		}
	}
	return 1, nil
}

// failing is a snapshot of epoch 99 with failures in memory.
func failing(seqs ...uint64) *snapshot.Snapshot {
	s := at(1)
	for _, seq := range seqs {
		s.Failures = append(s.Failures, mesh.FailureRecord{Seq: seq, Wall: second(seq)})
	}
	return s
}

func TestB24_TailsResumeOnDiskAndGoOnInMemory(t *testing.T) {
	n := newNode()
	n.records = append(onDisk(98, 1, 2, 3), onDisk(99, 1, 2, 3, 4)...)
	n.Show(failing(4, 5, 6))
	client := serve(t, n)
	type place struct{ Epoch, Seq uint64 }
	all := []place{{98, 1}, {98, 2}, {98, 3}, {99, 1}, {99, 2}, {99, 3}, {99, 4}, {99, 5}, {99, 6}}
	for _, c := range []struct {
		name string
		in   *hostv1.TailRequest
		want []place
		gap  []string
	}{
		{"no position", &hostv1.TailRequest{}, all, nil},
		{"in an earlier epoch", &hostv1.TailRequest{Epoch: 98, AfterSeq: 2}, all[2:], nil},
		{"before what is in memory", &hostv1.TailRequest{Epoch: 99, AfterSeq: 1}, all[4:], nil},
		{"in memory", &hostv1.TailRequest{Epoch: 99, AfterSeq: 5}, all[8:], nil},
		{"at the head", &hostv1.TailRequest{Epoch: 99, AfterSeq: 6}, nil, nil},
		{"in an epoch that is not kept", &hostv1.TailRequest{Epoch: 5, AfterSeq: 5}, all, []string{"unknown"}},
		{"the newest in memory", &hostv1.TailRequest{Newest: 2}, all[7:], nil},
		{"the newest over all runs", &hostv1.TailRequest{Newest: 7}, all[2:], nil},
		{"more than there are", &hostv1.TailRequest{Newest: 70}, all, nil},
		{"the newest until a time", &hostv1.TailRequest{Newest: 2, Until: timestamppb.New(second(3))}, all[3:5], nil},
		{"since a time", &hostv1.TailRequest{Since: timestamppb.New(second(3))}, append(slices.Clone(all[2:3]), all[5:]...), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream, err := client.TailFailures(within(t), c.in)
			if err != nil {
				t.Fatal(err)
			}
			var got []place
			for r, err := stream.Recv(); err == nil; r, err = stream.Recv() {
				got = append(got, place{r.GetEpoch(), r.GetSeq()})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			header, err := stream.Header()
			if diff := cmp.Diff(c.gap, header.Get(api.GapHeader)); diff != "" || err != nil {
				t.Errorf("gap header: -want +got:\n%s%v", diff, err)
			}
		})
	}
}

func TestAFollowedTailThatFallsBehindReadsOnDisk(t *testing.T) {
	n := newNode()
	n.records = onDisk(99, 1, 2, 3, 4, 5, 6, 7)
	n.Show(failing(1))
	tail, err := serve(t, n).TailFailures(within(t), &hostv1.TailRequest{Epoch: 99, AfterSeq: 0, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(1); want <= 9; want++ {
		if want == 2 {
			n.Show(failing(7, 8, 9))
		}
		if got, err := tail.Recv(); err != nil || got.GetSeq() != want {
			t.Fatalf("got %v, error %v, want seq %d", got, err, want)
		}
	}
}

func TestATailSinceAnInvalidTimeIsRefused(t *testing.T) {
	tail, err := serve(t, newNode()).TailAudit(within(t), &hostv1.TailRequest{Since: &timestamppb.Timestamp{Nanos: -1}})
	if err == nil {
		_, err = tail.Recv()
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v", err)
	}
}

// Records may be missing in the middle of a ring: of a source that said too much.
func TestB24_ATailReadsOnDiskWhatIsMissingInMemory(t *testing.T) {
	n := newNode()
	n.records = onDisk(99, 1, 2, 3, 4, 5)
	n.Show(failing(1, 5, 6))
	tail, err := serve(t, n).TailFailures(within(t), &hostv1.TailRequest{Epoch: 99})
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(1); want <= 6; want++ {
		if got, err := tail.Recv(); err != nil || got.GetSeq() != want {
			t.Fatalf("got %v, error %v, want seq %d", got, err, want)
		}
	}
}
