package answers

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestInventory(t *testing.T) {
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
			got, bad := Inventory(&pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{c.in}}, somePeers())
			want := map[string]uint64{}
			if c.want != "" {
				want[c.want] = 1
			}
			if d := cmp.Diff(want, counts(bad)); d != "" {
				t.Error(d)
			}
			if (len(got.Samples) == 1) != (c.want == "") {
				t.Errorf("kept %v", got)
			}
		})
	}
	for _, peer := range []uint64{1, 2} {
		got, bad := Inventory(&pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{{Peer: peer}, {Peer: peer}}}, somePeers())
		if len(got.Samples) != 1 || len(bad.byReason) != 1 {
			t.Errorf("node %d twice: kept %v, found %v", peer, got, counts(bad))
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
