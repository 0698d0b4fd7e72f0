package answers

import (
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// FuzzAnswers feeds what a plugin could send to every check.
func FuzzAnswers(f *testing.F) {
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
			got, _, _ := RTT(rtt, peers)
			for _, s := range got.Samples {
				if s.Peer != 2 && s.Peer != 3 || s.RTT <= 0 && s.Sent == 0 && s.Reason == "" || s.RTT > rttMax {
					t.Errorf("kept %v", s)
				}
			}
		}
		if proto.Unmarshal(raw, health) == nil {
			got, _, _ := Health(health, peers)
			if len(got.Samples) > 2 {
				t.Errorf("kept %v", got)
			}
		}
		if proto.Unmarshal(raw, inventory) == nil {
			got, _ := Inventory(inventory, peers)
			if len(got.Samples) > 3 {
				t.Errorf("kept %v", got)
			}
		}
		if proto.Unmarshal(raw, migrations) == nil {
			Migrations(migrations)
		}
		if proto.Unmarshal(raw, scores) == nil {
			got, _, err := Scores(scores, scores.GetViewVersion())
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
