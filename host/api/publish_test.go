package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func rtt(peer mesh.NodeID) *meshosv1.Event {
	return wire.EventToProto(mesh.RTTSample{Peer: peer, RTT: 1})
}

func signed(payload string) *meshosv1.Event {
	return &meshosv1.Event{Kind: &meshosv1.Event_SignedCommit{SignedCommit: &meshosv1.SignedCommit{Payload: []byte(payload)}}}
}

// acceptedOf returns how many events were accepted according to an error's details.
func acceptedOf(t *testing.T, err error) uint32 {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if response, ok := detail.(*hostv1.PublishResponse); ok {
			return response.GetAccepted()
		}
	}
	t.Fatalf("%v does not say how many were accepted", err)
	return 0
}

func TestPublishKeepsTheOrderOfEventsAndCommits(t *testing.T) {
	n := newNode()
	client := serve(t, n)
	answer, err := client.Publish(within(t), &hostv1.PublishRequest{
		Events: []*meshosv1.Event{rtt(2), rtt(3), signed("a"), signed("b"), rtt(4)},
	})
	if err != nil || answer.GetAccepted() != 5 {
		t.Fatalf("accepted %d, error %v", answer.GetAccepted(), err)
	}
	want := []any{
		mesh.RTTSample{Peer: 2, RTT: 1},
		mesh.RTTSample{Peer: 3, RTT: 1},
		mesh.JudgedCommit{CommitID: []byte("a")},
		mesh.JudgedCommit{CommitID: []byte("b")},
		mesh.RTTSample{Peer: 4, RTT: 1},
	}
	if diff := cmp.Diff(want, n.heard); diff != "" {
		t.Errorf("-want +heard:\n%s", diff)
	}
}

func TestARejectedCommitHoldsUpNoOtherEvent(t *testing.T) {
	n := newNode()
	answer, err := serve(t, n).Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{rtt(2), signed("junk"), rtt(3)}})
	if err != nil || answer.GetAccepted() != 2 || len(n.heard) != 3 {
		t.Errorf("accepted %d, error %v, heard %v", answer.GetAccepted(), err, n.heard)
	}
	if r := answer.GetRefused(); len(r) != 1 || r[0].GetIndex() != 1 || r[0].GetKind() != "malformed" {
		t.Errorf("refused %v, want the commit", r)
	}
}

func TestRefusedEventsAreNamed(t *testing.T) {
	n := newNode()
	shutdown := wire.EventToProto(mesh.Shutdown{})
	answer, err := serve(t, n).Publish(within(t), &hostv1.PublishRequest{
		Events: []*meshosv1.Event{shutdown, signed("a"), rtt(2), shutdown, rtt(3)},
	})
	if err != nil || answer.GetAccepted() != 3 || len(n.heard) != 3 {
		t.Fatalf("accepted %d, error %v, heard %v", answer.GetAccepted(), err, n.heard)
	}
	var at []uint32
	for _, r := range answer.GetRefused() {
		at = append(at, r.GetIndex())
	}
	if diff := cmp.Diff([]uint32{0, 3}, at); diff != "" {
		t.Errorf("-want +refused:\n%s", diff)
	}
}

// lost is the error of an order of which nothing is known.
type lost struct{}

func (lost) Error() string { return "nobody knows whether the log took it" }
func (lost) OrderUnknown() {}

// That a node's own time for its queue was over meanwhile is no reason to send an order again.
func TestPublishSaysWhenItIsNotKnownWhatBecameOfAnOrder(t *testing.T) {
	for name, event := range map[string]*meshosv1.Event{"unsigned": rtt(2), "signed": signed("a")} {
		t.Run(name, func(t *testing.T) {
			n := newNode()
			n.lost = lost{}
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			_, err := serve(t, n).Publish(ctx, &hostv1.PublishRequest{Events: []*meshosv1.Event{event}})
			said := status.Convert(err)
			if said.Code() != codes.DeadlineExceeded || said.Message() != (lost{}).Error() {
				t.Fatalf("got %v", err)
			}
			for _, d := range said.Details() {
				if info, is := d.(*errdetails.ErrorInfo); is && info.GetReason() == api.ReasonOrderUnknown {
					return
				}
			}
			t.Errorf("details %v", said.Details())
		})
	}
}

func TestPublishOfOneCommandAnswersWithItsRecord(t *testing.T) {
	n := newNode()
	client := serve(t, n)
	got, err := client.Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{signed("a")}})
	if err != nil || got.GetRecord().GetSeq() != 7 || got.GetRecord().GetEpoch() != 99 || string(got.GetRecord().GetCommitId()) != "a" {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = client.Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{signed("a"), rtt(2)}})
	if err != nil || got.GetRecord() != nil {
		t.Errorf("of two events: %v, %v", got, err)
	}
}

func TestPublishOfNothingIsAccepted(t *testing.T) {
	answer, err := serve(t, newNode()).Publish(within(t), &hostv1.PublishRequest{})
	if err != nil || answer.GetAccepted() != 0 {
		t.Fatalf("accepted %d, error %v", answer.GetAccepted(), err)
	}
}

func TestOneInvalidEventKeepsAllOut(t *testing.T) {
	for want, bad := range map[string]*meshosv1.Event{
		"events[1].rtt_sample.peer: must not be 0":                               rtt(0),
		"events[1].signed_commit.payload: must be set":                           signed(""),
		"events[1].kind: must be set to a kind of event that this version knows": {},
	} {
		n := newNode()
		_, err := serve(t, n).Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{rtt(2), bad}})
		if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if len(n.heard) != 0 {
			t.Errorf("%v was published all the same", n.heard)
		}
	}
}

func TestP5_AnEventThatIsTooLargeKeepsAllOut(t *testing.T) {
	reason := func(n int) *meshosv1.Event {
		return wire.EventToProto(mesh.MaintenanceObserved{Node: 2, Phase: mesh.PhaseActive, Reason: strings.Repeat("x", n)})
	}
	n := newNode()
	client := serve(t, n)
	_, err := client.Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{rtt(2), reason(64 << 10)}})
	const want = "events[1].maintenance_observed: has 65548 bytes, and may have 65536; split it into several events"
	if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != want || len(n.heard) != 0 {
		t.Errorf("error %v, heard %d, want none and %s", err, len(n.heard), want)
	}
	line := wire.EventToProto(mesh.LogLine{Level: mesh.LevelInfo, Message: strings.Repeat("x", 1<<20)}) // the loop cuts it
	if _, err := client.Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{reason(60 << 10), line}}); err != nil {
		t.Error(err)
	}
}

func TestAFullQueueSaysHowManyEventsWereAccepted(t *testing.T) {
	n := newNode()
	n.free = 2
	_, err := serve(t, n).Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{rtt(2), signed("a"), rtt(3)}})
	if status.Code(err) != codes.ResourceExhausted || acceptedOf(t, err) != 2 {
		t.Fatalf("error %v", err)
	}
	const want = "2 of 3 events accepted: the node's event queue stayed full; send the rest again later"
	if got := status.Convert(err).Message(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnEndedLoopIsUnavailable(t *testing.T) {
	n := newNode()
	n.closed = true
	_, err := serve(t, n).Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{rtt(2)}})
	if status.Code(err) != codes.Unavailable || acceptedOf(t, err) != 0 {
		t.Fatalf("error %v", err)
	}
}

func TestARequestOverFourMebibytesIsRefused(t *testing.T) {
	n := newNode()
	big := wire.EventToProto(mesh.LogLine{Level: mesh.LevelInfo, Message: string(make([]byte, 5<<20))})
	_, err := serve(t, n).Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{big}})
	if status.Code(err) != codes.ResourceExhausted || len(n.heard) != 0 {
		t.Fatalf("error %v, heard %d", err, len(n.heard))
	}
}
