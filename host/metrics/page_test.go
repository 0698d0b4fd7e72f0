package metrics_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/snapshot"
)

// The page for operators lists every metric with its type.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	rtt := time.Millisecond
	snap := &snapshot.Snapshot{
		Peers:   []snapshot.Peer{{Node: 5, RTT: &rtt}},
		Plugins: []snapshot.Plugin{{Name: "health-tcp", Status: snapshot.PluginReady}},
	}
	none := func() int { return 0 }
	m := metrics.New("1.2.3")
	m.Register(metrics.Source{
		Latest: func() *snapshot.Snapshot { return snap }, EventQueue: none, ActionQueue: none,
		Commands:   func() map[string]uint64 { return map[string]uint64{"accepted": 1} },
		Suppressed: func() uint64 { return 0 },
		Capacity:   func() map[string]int { return map[string]int{"chains": 1} },
		Refused:    func(each func(source, what string, n uint64)) { each("api", "chains", 1) },
	})
	m.Action("start_daemon", "dispatched", time.Millisecond)
	m.Call("health-tcp", "HealthProbe.SampleHealth", time.Millisecond)
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "meshos_") {
			continue
		}
		ours++
		row := "| `" + family.GetName() + "` | " + strings.ToLower(family.GetType().String()) + " |"
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/monitoring.md has no row %s", row)
		}
	}
	if listed := strings.Count(string(page), "| `meshos_"); listed != ours {
		t.Errorf("docs/monitoring.md lists %d metrics, a node has %d", listed, ours)
	}
}
