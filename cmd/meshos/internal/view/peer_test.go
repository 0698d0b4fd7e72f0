package view

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestPeerTrouble(t *testing.T) {
	since, rtt := durationpb.New(12*time.Second), durationpb.New(time.Millisecond)
	const up, down = meshosv1.NodeHealth_NODE_HEALTH_HEALTHY, meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE
	for want, p := range map[string]*meshosv1.PeerView{
		"":                   {Health: up, HealthSince: since, Rtt: rtt, Loss: proto.Float64(0)},
		"for 12s: timed out": {Health: down, HealthSince: since, HealthReason: "timed out", RttReason: "timed out"},
		"for 12s: refused: nobody listens, <1% lost":         {Health: down, HealthSince: since, HealthReason: "refused: nobody listens", Rtt: rtt, Loss: proto.Float64(0.001)},
		"for 12s: timed out, no rtt: no such name, 15% lost": {Health: down, HealthSince: since, HealthReason: "timed out", RttReason: "no such name", Loss: proto.Float64(0.15)},
		"no answer to echoes for 12s: timed out":             {Health: up, RttReason: "timed out", Loss: proto.Float64(1), Echoes: &meshosv1.EchoView{State: meshosv1.EchoView_STATE_LOST, Since: since}},
		"does not answer echoes":                             {Health: up, RttReason: "timed out", Echoes: &meshosv1.EchoView{State: meshosv1.EchoView_STATE_SILENT, Since: since, Sent: 20}},
		"slow or lossy for 12s, 90% late, 10% lost": {
			Health: up, Rtt: rtt, RttReason: "later than 1s", Loss: proto.Float64(1),
			Echoes: &meshosv1.EchoView{State: meshosv1.EchoView_STATE_DEGRADED, Since: since, Sent: 20, Late: 18},
		},
		"for 12s":           {Health: down, HealthSince: since},
		"evil\uFFFD[2J":     {Health: down, HealthReason: "evil\x1b[2J"},
		"no rtt: timed out": {Health: up, HealthSince: since, RttReason: "timed out"},
	} {
		if got := peerTrouble(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
