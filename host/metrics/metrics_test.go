package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/snapshot"
)

func TestASnapshotBecomesMetrics(t *testing.T) {
	rtt := 1500 * time.Microsecond
	snap := &snapshot.Snapshot{
		Stats:     snapshot.Stats{Ticks: 7, EventsApplied: 9, ActionsEmitted: 3, ActionsDropped: 1},
		AvoidList: []snapshot.Avoid{{Peer: 5}},
		Peers:     []snapshot.Peer{{Node: 5, Name: "five", RTT: &rtt}, {Node: 6}},
		Plugins: []snapshot.Plugin{{
			Name: "health-tcp", Status: snapshot.PluginReady, Calls: 11, Failures: 2, Restarts: 1, LastCall: time.Millisecond,
		}},
	}
	m := metrics.New("1.2.3")
	m.Register(metrics.Source{
		Latest:      func() *snapshot.Snapshot { return snap },
		EventQueue:  func() int { return 4 },
		ActionQueue: func() int { return 0 },
		Commands:    func() map[string]uint64 { return map[string]uint64{"accepted": 3, "replayed": 2} },
		Suppressed:  func() uint64 { return 12 },
		Capacity:    func() map[string]int { return map[string]int{"chains": 200} },
		Refused:     func(each func(source, what string, n uint64)) { each("api", "chains", 5) },
	})
	m.Tick(time.Millisecond)
	m.Action("start_daemon", "dispatched", time.Millisecond)
	m.Action("start_daemon", "failed", 0)
	m.Call("health-tcp", "SampleHealth", time.Millisecond)
	want := `
# HELP meshos_actions_total Actions by kind and by how they ended: dispatched, failed, gated or withdrawn.
# TYPE meshos_actions_total counter
meshos_actions_total{kind="start_daemon",outcome="dispatched"} 1
meshos_actions_total{kind="start_daemon",outcome="failed"} 1
# HELP meshos_avoided_peers Peers on the avoid list.
# TYPE meshos_avoided_peers gauge
meshos_avoided_peers 1
# HELP meshos_capacity How much of a thing the node may remember, by the key of [capacity].
# TYPE meshos_capacity gauge
meshos_capacity{what="chains"} 200
# HELP meshos_capacity_refused_total Events and commands that were refused because of [capacity], by its key.
# TYPE meshos_capacity_refused_total counter
meshos_capacity_refused_total{source="api",what="chains"} 5
# HELP meshos_commands_total Signed commands by verdict: accepted, unverified, or the kind of rejection.
# TYPE meshos_commands_total counter
meshos_commands_total{verdict="accepted"} 3
meshos_commands_total{verdict="replayed"} 2
# HELP meshos_daemon_lines_suppressed_total Lines of daemons that were left out of the log because a daemon printed too many at once.
# TYPE meshos_daemon_lines_suppressed_total counter
meshos_daemon_lines_suppressed_total 12
# HELP meshos_event_queue_depth Events that wait to be folded.
# TYPE meshos_event_queue_depth gauge
meshos_event_queue_depth 4
# HELP meshos_peer_rtt_seconds Round-trip time to a peer; absent while it is unknown.
# TYPE meshos_peer_rtt_seconds gauge
meshos_peer_rtt_seconds{name="five",peer="5"} 0.0015
# HELP meshos_plugin_call_failures_total Calls to a plugin that failed.
# TYPE meshos_plugin_call_failures_total counter
meshos_plugin_call_failures_total{plugin="health-tcp"} 2
# HELP meshos_plugin_status 1 for the present status of a plugin, 0 for the others.
# TYPE meshos_plugin_status gauge
meshos_plugin_status{plugin="health-tcp",status="backing_off"} 0
meshos_plugin_status{plugin="health-tcp",status="disabled"} 0
meshos_plugin_status{plugin="health-tcp",status="lagging"} 0
meshos_plugin_status{plugin="health-tcp",status="quarantined"} 0
meshos_plugin_status{plugin="health-tcp",status="ready"} 1
meshos_plugin_status{plugin="health-tcp",status="rejected"} 0
meshos_plugin_status{plugin="health-tcp",status="starting"} 0
# HELP meshos_ticks_total Reconcile passes.
# TYPE meshos_ticks_total counter
meshos_ticks_total 7
`
	err := testutil.GatherAndCompare(m.Registry(), strings.NewReader(want),
		"meshos_actions_total", "meshos_avoided_peers", "meshos_capacity", "meshos_capacity_refused_total", "meshos_commands_total", "meshos_daemon_lines_suppressed_total", "meshos_event_queue_depth", "meshos_peer_rtt_seconds",
		"meshos_plugin_call_failures_total", "meshos_plugin_status", "meshos_ticks_total")
	if err != nil {
		t.Error(err)
	}
	n, err := testutil.GatherAndCount(m.Registry(), "meshos_tick_duration_seconds",
		"meshos_plugin_call_duration_seconds", "meshos_action_duration_seconds", "meshos_build_info")
	if err != nil || n != 4 {
		t.Errorf("%d families of durations and build info, want 4: %v", n, err)
	}
	problems, err := testutil.GatherAndLint(m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "meshos_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
