package answers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// somePeers are 2 and 3 as node 1 sees them.
func somePeers() *Peers { return NewPeers(1, []*pluginv1.Peer{{Id: 1}, {Id: 2}, {Id: 3}}) }

// counts returns how often each reason was found, with its example.
func counts(d Discarded) map[string]uint64 {
	out := map[string]uint64{}
	for reason, c := range d.byReason {
		out[reason+": "+c.first] = c.n
	}
	return out
}

func TestRTT(t *testing.T) {
	got, bad, err := RTT(&pluginv1.RttSamples{
		Peers: []uint64{2, 3, 1, 99, 98, 2, 3, 3, 3},
		RttNs: []int64{5, int64(10 * time.Minute), 1, 1, 1, 6, -1, 0, int64(10*time.Minute) + 1},
	}, somePeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mesh.RTTSample{{Peer: 2, RTT: 5}, {Peer: 3, RTT: 10 * time.Minute}}, got.Samples); d != "" {
		t.Error(d)
	}
	want := map[string]uint64{
		"sample for this node: peer 1":             1,
		"unknown peer: peer 99":                    2,
		"peer twice in an answer: peer 2":          1,
		"rtt not above zero: peer 3: -1ns":         2,
		"rtt above 10m0s: peer 3: 10m0.000000001s": 1,
	}
	if d := cmp.Diff(want, counts(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := RTT(&pluginv1.RttSamples{Peers: []uint64{2}}, somePeers()); err == nil {
		t.Error("columns of different length are accepted")
	}
}

func TestHealth(t *testing.T) {
	got, bad, err := Health(&pluginv1.HealthSamples{
		Peers:  []uint64{2, 3, 3, 3, 1},
		Health: []meshosv1.NodeHealth{1, 0, 77, 3, 1},
	}, somePeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mesh.HealthSample{{Peer: 2, Health: mesh.HealthHealthy}, {Peer: 3, Health: mesh.HealthUnreachable}}, got.Samples); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]uint64{"unknown value of health: peer 3: 0": 2, "sample for this node: peer 1": 1}, counts(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := Health(&pluginv1.HealthSamples{Peers: []uint64{2}}, somePeers()); err == nil {
		t.Error("columns of different length are accepted")
	}
}

func TestRTTWithEchoes(t *testing.T) {
	got, bad, err := RTT(&pluginv1.RttSamples{
		Peers: []uint64{2, 3, 4, 5, 6, 7, 8}, RttNs: []int64{5, 0, 5, 7, 0, 5, 5},
		Sent: []uint32{20, 20, 3, 3, 0, 3, 0}, Received: []uint32{19, 0, 4, 0, 0, 3, 0},
		JitterNs: []int64{2, 0, 0, 0, 0, -1, 0}, Reasons: []string{"", "timed\nout", "", "", "no such name", "", ""},
		Complete: true,
	}, sevenPeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(mesh.RTTAnswer{Complete: true, Samples: []mesh.RTTSample{
		{Peer: 2, RTT: 5, Echoes: mesh.Echoes{Sent: 20, Received: 19, Jitter: 2}},
		{Peer: 3, Echoes: mesh.Echoes{Sent: 20, Reason: "timed out"}},
		{Peer: 6, Echoes: mesh.Echoes{Reason: "no such name"}},
		{Peer: 8, RTT: 5},
	}}, got); d != "" {
		t.Error(d)
	}
	want := map[string]uint64{
		"more echoes answered than sent: peer 4: 4 of 3":    1,
		"an rtt although no echo was answered: peer 5: 7ns": 1,
		"jitter outside of 0 … 10m0s: peer 7: -1ns":         1,
	}
	if d := cmp.Diff(want, counts(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := RTT(&pluginv1.RttSamples{Peers: []uint64{2}, RttNs: []int64{1}, Reasons: []string{"", ""}}, somePeers()); err == nil {
		t.Error("columns of different length are accepted")
	}
}

func sevenPeers() *Peers {
	return NewPeers(1, []*pluginv1.Peer{{Id: 2}, {Id: 3}, {Id: 4}, {Id: 5}, {Id: 6}, {Id: 7}, {Id: 8}})
}

func TestRTTWithRoundsLateAnswersAndWhyThereIsNone(t *testing.T) {
	got, bad, err := RTT(&pluginv1.RttSamples{
		Peers: []uint64{2, 3, 4, 5, 6}, RttNs: []int64{1200, 0, 0, 0, 7},
		Sent: []uint32{20, 20, 20, 20, 3}, Received: []uint32{0, 0, 19, 0, 2}, Late: []uint32{20, 0, 0, 0, 2},
		Rounds: []uint64{7, 8, 9, 1, 1}, Unanswered: []uint32{0, 3, 0, 0, 0},
		NoAnswer: []meshosv1.NoAnswer{0, meshosv1.NoAnswer_NO_ANSWER_TIMED_OUT, meshosv1.NoAnswer_NO_ANSWER_NOT_SENT, 9, 0},
	}, sevenPeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mesh.RTTSample{
		{Peer: 2, RTT: 1200, Echoes: mesh.Echoes{Sent: 20, Late: 20, Round: 7}},
		{Peer: 3, Echoes: mesh.Echoes{Sent: 20, Round: 8, Unanswered: 3, NoAnswer: mesh.NoAnswerTimedOut}},
		{Peer: 4, Echoes: mesh.Echoes{Sent: 20, Received: 19, Round: 9, NoAnswer: mesh.NoAnswerNotSent}},
	}, got.Samples); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]uint64{
		"unknown value of no_answer: peer 5: 9":          1,
		"more echoes answered than sent: peer 6: 4 of 3": 1,
	}, counts(bad)); d != "" {
		t.Error(d)
	}
}

func TestHealthHasReasons(t *testing.T) {
	got, _, err := Health(&pluginv1.HealthSamples{
		Peers: []uint64{2, 3}, Health: []meshosv1.NodeHealth{1, 3}, Reasons: []string{"", "refused"}, Complete: true,
	}, somePeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(mesh.HealthAnswer{Complete: true, Samples: []mesh.HealthSample{
		{Peer: 2, Health: mesh.HealthHealthy}, {Peer: 3, Health: mesh.HealthUnreachable, Reason: "refused"},
	}}, got); d != "" {
		t.Error(d)
	}
}

// BenchmarkCheckRTT is what 10,000 peers cost at every tick.
func BenchmarkCheckRTT(b *testing.B) {
	in := &pluginv1.RttSamples{}
	var all []*pluginv1.Peer
	for n := range uint64(10000) {
		in.Peers, in.RttNs = append(in.Peers, n+2), append(in.RttNs, 1000)
		all = append(all, &pluginv1.Peer{Id: n + 2})
	}
	peers := NewPeers(1, all)
	b.ReportAllocs()
	for b.Loop() {
		if got, _, _ := RTT(in, peers); len(got.Samples) != 10000 {
			b.Fatal(len(got.Samples))
		}
	}
}
