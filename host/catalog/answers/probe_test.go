package answers

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestOfAProbeOnDemandOnlyWhatCanBeTrueIsLeft(t *testing.T) {
	bad := &meshosv1.ProbeResult{
		Rtt:     &meshosv1.RttSample{Peer: 9, Rtt: durationpb.New(-time.Second), Jitter: &durationpb.Duration{Nanos: -1, Seconds: 1}, Sent: 3, Received: 7, Reason: "\x1b[31mred"},
		Health:  &meshosv1.NodeHealthSample{Peer: 9, Health: 77, Reason: strings.Repeat("x", 1000)},
		PathMtu: &meshosv1.PathMtu{Bytes: 1 << 30},
	}
	for range 1000 {
		bad.Details = append(bad.Details, &meshosv1.ProbeDetail{Name: "n", Value: "v"})
	}
	got := Probe(bad, 2)
	if r := got.GetRtt(); r.GetPeer() != 2 || r.Rtt != nil || r.Jitter != nil || r.GetReceived() != 3 || strings.Contains(r.GetReason(), "\x1b") {
		t.Errorf("%v", r)
	}
	if h := got.GetHealth(); h.GetPeer() != 2 || h.GetHealth() != 0 || len(h.GetReason()) > 250 {
		t.Errorf("%v", h)
	}
	if len(got.GetDetails()) != maxDetails || got.GetPathMtu().GetBytes() != 0 {
		t.Errorf("%d details, %v", len(got.GetDetails()), got.GetPathMtu())
	}
	if empty := Probe(nil, 2); empty.GetRtt() != nil || empty.GetHealth() != nil {
		t.Errorf("%v", empty)
	}
}
