package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func commitOf(payload string) *hostv1.CommitRequest {
	return &hostv1.CommitRequest{Commit: &meshosv1.SignedCommit{Payload: []byte(payload)}}
}

func TestCommitAnswersWithTheAuditRecordOnceItIsDurable(t *testing.T) {
	n := newNode()
	n.Show(&snapshot.Snapshot{Node: 1, Epoch: 99, Acknowledged: snapshot.AcknowledgedThrough{Audit: 6}})
	client := serve(t, n)
	got, err := client.Commit(within(t), commitOf("a"))
	if err != nil || got.GetEpoch() != 99 || got.GetSeq() != 7 || string(got.GetCommitId()) != "a" || !got.GetChainPending() {
		t.Errorf("got %v, %v", got, err)
	}
	if want := []string{"audit 7"}; !slices.Equal(n.waited, want) {
		t.Errorf("waited for %q, want %q", n.waited, want)
	}
	got, err = client.Commit(within(t), commitOf("junk"))
	if err != nil || got.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_REJECTED || got.GetOutcome().GetKind() != "malformed" {
		t.Errorf("a rejected command: %v, %v, want its record", got, err)
	}
}

func TestCommitSaysWhenItsRecordIsNotOnDisk(t *testing.T) {
	n := newNode()
	n.disk = errors.New("disk is full")
	_, err := serve(t, n).Commit(within(t), commitOf("a"))
	if status.Code(err) != codes.DataLoss || !strings.Contains(err.Error(), "audit record 7") || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("got %v", err)
	}
}

func TestCommitOfNothingIsInvalid(t *testing.T) {
	n := newNode()
	if _, err := serve(t, n).Commit(within(t), &hostv1.CommitRequest{}); status.Code(err) != codes.InvalidArgument || len(n.heard) != 0 {
		t.Errorf("got %v, heard %v", err, n.heard)
	}
}

func TestCommitAfterTheLoopEndedIsUnavailable(t *testing.T) {
	n := newNode()
	n.closed = true
	if _, err := serve(t, n).Commit(within(t), commitOf("a")); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "audit log") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := serve(t, newNode()).Commit(ctx, commitOf("a")); status.Code(err) != codes.Canceled {
		t.Errorf("a client that is gone: %v", err)
	}
}

func TestSimulateAnswersWithRadiusAndHash(t *testing.T) {
	client := serve(t, newNode())
	got, err := client.Simulate(within(t), &hostv1.SimulateRequest{Event: wire.AdminToProto(mesh.ThawCluster{})})
	if err != nil || string(got.GetBlastHash()) != "hash" || !slices.Equal(got.GetBlastRadius().GetAffectedNodes(), []uint64{3}) {
		t.Errorf("got %v, %v", got, err)
	}
	for want, event := range map[string]*meshosv1.AdminEvent{
		"cordon is not a break-glass command":                  wire.AdminToProto(mesh.Cordon{Node: 5}),
		"event.force_cutover.target: must not be 0":            wire.AdminToProto(mesh.ForceCutover{Chain: 5}),
		"event.kind: must be set to a kind of command that th": nil,
	} {
		_, err := client.Simulate(within(t), &hostv1.SimulateRequest{Event: event})
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
