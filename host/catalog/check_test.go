package catalog

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// somePeers are 2 and 3 as node 1 sees them.
func somePeers() *peerSet { return newPeerSet(1, []*pluginv1.Peer{{Id: 1}, {Id: 2}, {Id: 3}}) }

// lies gives what was found as text, and how often.
func lies(f findings) map[string]uint64 {
	out := map[string]uint64{}
	for lie, c := range f {
		out[lie+": "+c.first] = c.n
	}
	return out
}

func TestCheckRTT(t *testing.T) {
	got, bad, err := checkRTT(&pluginv1.RttSamples{
		Peers: []uint64{2, 3, 1, 99, 98, 2, 3, 3, 3},
		RttNs: []int64{5, int64(10 * time.Minute), 1, 1, 1, 6, -1, 0, int64(10*time.Minute) + 1},
	}, somePeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mesh.RTTSample{{Peer: 2, RTT: 5}, {Peer: 3, RTT: 10 * time.Minute}}, got); d != "" {
		t.Error(d)
	}
	want := map[string]uint64{
		"sample for this node: peer 1":             1,
		"unknown peer: peer 99":                    2,
		"peer twice in an answer: peer 2":          1,
		"rtt not above zero: peer 3: -1ns":         2,
		"rtt above 10m0s: peer 3: 10m0.000000001s": 1,
	}
	if d := cmp.Diff(want, lies(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := checkRTT(&pluginv1.RttSamples{Peers: []uint64{2}}, somePeers()); !errors.Is(err, ErrBadAnswer) {
		t.Errorf("columns of different length: %v", err)
	}
}

func TestCheckHealth(t *testing.T) {
	got, bad, err := checkHealth(&pluginv1.HealthSamples{
		Peers:  []uint64{2, 3, 3, 3, 1},
		Health: []meshosv1.NodeHealth{1, 0, 77, 3, 1},
	}, somePeers())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mesh.HealthSample{{Peer: 2, Health: mesh.HealthHealthy}, {Peer: 3, Health: mesh.HealthUnreachable}}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]uint64{"no such health: peer 3: 0": 2, "sample for this node: peer 1": 1}, lies(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := checkHealth(&pluginv1.HealthSamples{Peers: []uint64{2}}, somePeers()); !errors.Is(err, ErrBadAnswer) {
		t.Errorf("columns of different length: %v", err)
	}
}

func TestCheckInventory(t *testing.T) {
	long := strings.Repeat("x", capabilityMax+1)
	for _, c := range []struct {
		name string
		in   *meshosv1.PeerInventory
		want string
	}{
		{"good", &meshosv1.PeerInventory{Peer: 2, CpuLoad_1M: proto.Float64(0.5), MemUsedBytes: proto.Uint64(1), MemTotalBytes: proto.Uint64(1)}, ""},
		{"this node", &meshosv1.PeerInventory{Peer: 1}, ""},
		{"unknown peer", &meshosv1.PeerInventory{Peer: 9}, "unknown peer: peer 9"},
		{"nobody", &meshosv1.PeerInventory{}, "malformed inventory: peer 0: peer: must not be 0"},
		{"NaN", &meshosv1.PeerInventory{Peer: 2, CpuLoad_1M: proto.Float64(math.NaN())}, "malformed inventory: peer 2: cpu_load_1m: must be a finite number, is NaN"},
		{"negative load", &meshosv1.PeerInventory{Peer: 2, CpuLoad_1M: proto.Float64(-1)}, "negative load: peer 2"},
		{"trend", &meshosv1.PeerInventory{Peer: 2, SaturationTrend: proto.Float32(1.1)}, "saturation trend outside of -1 … 1: peer 2"},
		{"memory", &meshosv1.PeerInventory{Peer: 2, MemUsedBytes: proto.Uint64(2), MemTotalBytes: proto.Uint64(1)}, "more memory used than there is: peer 2"},
		{"disk", &meshosv1.PeerInventory{Peer: 2, DiskUsedBytes: proto.Uint64(2), DiskTotalBytes: proto.Uint64(1)}, "more disk used than there is: peer 2"},
		{"long capability", &meshosv1.PeerInventory{Peer: 2, Capabilities: []string{long}}, "capability too long: peer 2"},
		{"long version", &meshosv1.PeerInventory{Peer: 2, SoftwareVersion: &long}, "software version too long: peer 2"},
		{"many capabilities", &meshosv1.PeerInventory{Peer: 2, Capabilities: numbers(capabilitiesMax + 1)}, "too many capabilities: peer 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, bad := checkInventory(&pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{c.in}}, somePeers())
			want := map[string]uint64{}
			if c.want != "" {
				want[c.want] = 1
			}
			if d := cmp.Diff(want, lies(bad)); d != "" {
				t.Error(d)
			}
			if (len(got) == 1) != (c.want == "") {
				t.Errorf("kept %v", got)
			}
		})
	}
	for _, peer := range []uint64{1, 2} {
		got, bad := checkInventory(&pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{{Peer: peer}, {Peer: peer}}}, somePeers())
		if len(got) != 1 || len(bad) != 1 {
			t.Errorf("node %d twice: kept %v, found %v", peer, got, lies(bad))
		}
	}
}

func numbers(n int) []string {
	var out []string
	for i := range n {
		out = append(out, strings.Repeat("x", i%200)+string(rune('0'+i/200)))
	}
	return out
}

func TestCheckMigrations(t *testing.T) {
	got, bad := checkMigrations(&meshosv1.Migrations{InFlight: []*meshosv1.MigrationView{
		{Migration: 1, Phase: 2},
		{Migration: 1},
		{Migration: 0},
		{Migration: 2, Phase: 99},
		{Migration: 3, ProgressPercent: proto.Uint32(101)},
		{Migration: 4, Elapsed: durationpb.New(-1)},
	}})
	if len(got) != 1 || got[0].ID != 1 {
		t.Errorf("kept %v", got)
	}
	var n uint64
	for _, c := range bad {
		n += c.n
	}
	if n != 5 {
		t.Errorf("found %v", lies(bad))
	}
}

func TestCheckScores(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	in := &meshosv1.ScoreTable{ViewVersion: 4, Chains: []*meshosv1.ChainScore{
		{
			Chain:           1,
			Holders:         []*meshosv1.NodeScore{{Node: 2, Score: 7}, {Node: 3, Score: nan}, {Node: 2, Score: 0}, {Score: 1}},
			BestAlternative: &meshosv1.NodeScore{Node: 4, Score: inf},
			Cost:            &meshosv1.MigrationCost{ReliabilityFactor: nan},
		},
		{Chain: 1},
		{Chain: 0},
		{Chain: 2, Cost: &meshosv1.MigrationCost{StateTransfer: durationpb.New(-1)}},
		{Chain: 3, BestAlternative: &meshosv1.NodeScore{Node: 4, Score: 1}, Cost: &meshosv1.MigrationCost{ReliabilityFactor: 1}},
	}}
	got, bad, err := checkScores(in, 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Chains) != 3 || len(got.Chains[0].Holders) != 1 || got.Chains[0].BestAlternative != nil ||
		got.Chains[0].Cost != nil || got.Chains[1].Cost != nil || got.Chains[2].Cost == nil || got.Chains[2].BestAlternative == nil {
		t.Errorf("kept %v", got)
	}
	want := map[string]uint64{
		"score not finite: chain 1, node 3: NaN":            2,
		"holder twice in a chain's scores: chain 1, node 2": 1,
		"score of no node: chain 1":                         1,
		"cost that is none: chain 1":                        2,
		"chain twice in an answer: chain 1":                 1,
		"score of no chain: chain 0":                        1,
	}
	if d := cmp.Diff(want, lies(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := checkScores(&meshosv1.ScoreTable{ViewVersion: 3}, 4); !errors.Is(err, ErrBadAnswer) {
		t.Errorf("scores of another view: %v", err)
	}
}

// FuzzChecks feeds what a plugin could send to every check.
func FuzzChecks(f *testing.F) {
	for _, m := range []proto.Message{
		&pluginv1.RttSamples{Peers: []uint64{2, 9}, RttNs: []int64{1, -1}},
		&pluginv1.HealthSamples{Peers: []uint64{2}, Health: []meshosv1.NodeHealth{77}},
		&pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{{Peer: 2, CpuLoad_1M: proto.Float64(math.Inf(1))}}},
		&meshosv1.ScoreTable{Chains: []*meshosv1.ChainScore{{Chain: 1, Cost: &meshosv1.MigrationCost{}}}},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		peers := somePeers()
		rtt, health, inventory := &pluginv1.RttSamples{}, &pluginv1.HealthSamples{}, &pluginv1.InventorySamples{}
		migrations, scores := &meshosv1.Migrations{}, &meshosv1.ScoreTable{}
		if proto.Unmarshal(raw, rtt) == nil {
			got, _, _ := checkRTT(rtt, peers)
			for _, s := range got {
				if !peers.has(s.Peer) || s.RTT <= 0 || s.RTT > rttMax {
					t.Errorf("kept %v", s)
				}
			}
		}
		if proto.Unmarshal(raw, health) == nil {
			got, _, _ := checkHealth(health, peers)
			if len(got) > 2 {
				t.Errorf("kept %v", got)
			}
		}
		if proto.Unmarshal(raw, inventory) == nil {
			got, _ := checkInventory(inventory, peers)
			if len(got) > 3 {
				t.Errorf("kept %v", got)
			}
		}
		if proto.Unmarshal(raw, migrations) == nil {
			checkMigrations(migrations)
		}
		if proto.Unmarshal(raw, scores) == nil {
			got, _, err := checkScores(scores, scores.GetViewVersion())
			if err != nil {
				t.Error(err)
			}
			for _, c := range got.GetChains() {
				for _, h := range c.GetHolders() {
					if !finite(h.GetScore()) {
						t.Errorf("kept %v", h)
					}
				}
			}
		}
	})
}

// BenchmarkCheckRTT is what 10,000 peers cost at every tick.
func BenchmarkCheckRTT(b *testing.B) {
	in, peers := &pluginv1.RttSamples{}, &peerSet{self: 1, ids: map[mesh.NodeID]struct{}{}}
	for n := range uint64(10000) {
		in.Peers, in.RttNs = append(in.Peers, n+2), append(in.RttNs, 1000)
		peers.ids[mesh.NodeID(n+2)] = struct{}{}
	}
	for b.Loop() {
		if got, _, _ := checkRTT(in, peers); len(got) != 10000 {
			b.Fatal(len(got))
		}
	}
}
