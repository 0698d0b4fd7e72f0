package meshlink

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A thousand nodes whose figures all move cost each node 20 kB a second at most: so much may one
// summary have that is said every 30 s.
const summaryShould = 20_000 * 30 / 1000

func TestFiguresAreSaidSeldomAndIfTheyMoved(t *testing.T) {
	total, cpus, version := uint64(64<<30), 32.0, "1.2.3"
	at := func(used uint64, load float64) *snapshot.Snapshot {
		busy, each, trend := load/2, load/cpus, float32(0.5)
		in := &mesh.Inventory{
			Node: 1, CPULoad1m: &load, LoadPerCPU: &each, CPUs: &cpus, CPUsUsed: &busy, MemUsedBytes: &used, MemTotalBytes: &total,
			DiskUsedBytes: &used, DiskTotalBytes: &total, SaturationTrend: &trend, Capabilities: []string{"gpu", "nvme"}, SoftwareVersion: &version,
		}
		return &snapshot.Snapshot{Node: 1, Peers: snapshot.PeersOf(snapshot.Peer{Node: 1, Inventory: in})}
	}
	v := newSelfView(Options{})
	now := time.Unix(1e9, 0)
	first := v.figures(at(32<<30, 4), now)
	if first == nil {
		t.Fatal("the first figures are not said")
	}
	for _, c := range []struct {
		what  string
		after time.Duration
		used  uint64
		load  float64
		again bool
	}{
		{"moved much, too soon", 29 * time.Second, 60 << 30, 9, false},
		{"moved by 4 %", time.Minute, 32<<30 + 32<<30/25, 4, false},
		{"moved by 6 %", time.Minute, 34 << 30, 4, true},
		{"another figure moved, 20 s later", 80 * time.Second, 34 << 30, 8, false},
		{"the same, 30 s later", 90 * time.Second, 34 << 30, 8, true},
		{"nothing moved for long", time.Hour, 34 << 30, 8, false},
	} {
		before := v.inventory
		if got := v.figures(at(c.used, c.load), now.Add(c.after)); (got != before) != c.again {
			t.Errorf("%s: said again %t", c.what, got != before)
		}
	}
	said := &meshosv1.NodeSummary{
		Incarnation: 1 << 63, Height: 1 << 40, AdminState: make([]byte, 32), Signers: make([]byte, 32), Phase: 1, ChainsHeld: 5000, ChainsLed: 2000,
		ChainsMost: 10000, Inventory: first, Labels: map[string]string{"rack": "r17", "zone": "eu-central-1b"}, DaemonsRunning: 200,
		Version: "1.2.3", Name: "node-with-a-long-name.example", Address: "fd00:1234:5678::1", LogVersion: 2,
	}
	if size := proto.Size(said); size > summaryShould {
		t.Errorf("a summary has %d bytes, and 1,000 of them every 30 s are more than 20 kB/s", size)
	}
}
