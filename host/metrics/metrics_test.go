package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/snapshot"
)

func TestASnapshotBecomesMetrics(t *testing.T) {
	m := served(all())
	m.Tick(time.Millisecond)
	m.Action("start_daemon", "dispatched", time.Millisecond)
	m.Action("start_daemon", "failed", 0)
	m.Call("health-tcp", "SampleHealth", time.Millisecond)
	m.DaemonCrashed(3)
	m.Reloaded(metrics.InPart, time.Unix(1_700_000_100, 0))
	m.Reloaded(metrics.Rejected, time.Unix(1_700_000_200, 0))
	follow(m, all(), all())
	want := `
meshos_actions_total{kind="start_daemon",node="1",outcome="dispatched"} 1
meshos_actions_total{kind="start_daemon",node="1",outcome="failed"} 1
meshos_audit_full{node="1"} 0
meshos_avoided_peers{node="1"} 1
meshos_build_info{node="1",version="1.2.3"} 1
meshos_capacity_refused_total{node="1",source="api",what="chains"} 5
meshos_capacity{node="1",what="chains"} 200
meshos_names{lookup="found",node="1"} 3
meshos_names{lookup="no_such_name",node="1"} 1
meshos_name_lookups_total{node="1",result="found"} 9
meshos_commands_total{node="1",verdict="accepted"} 3
meshos_commands_total{node="1",verdict="replayed"} 2
meshos_config_last_reload_success_timestamp_seconds{node="1"} 1.7000001e+09
meshos_config_last_reload_successful{node="1"} 0
meshos_cut_off{node="1"} 0
meshos_config_reloads_total{node="1",result="in_part"} 1
meshos_config_reloads_total{node="1",result="rejected"} 1
meshos_config_reloads_total{node="1",result="taken_over"} 0
meshos_cordoned{node="1"} 1
meshos_daemon_crash_looping{daemon="3",name="nginx",node="1"} 0
meshos_daemon_crash_looping{daemon="4",name="",node="1"} 1
meshos_daemon_crashes_total{daemon="3",name="nginx",node="1"} 1
meshos_daemon_crashes_total{daemon="4",name="",node="1"} 0
meshos_daemon_health{daemon="3",name="nginx",node="1"} 0.5
meshos_daemon_lines_suppressed_total{node="1"} 12
meshos_daemon_rejected{daemon="3",name="nginx",node="1"} 0
meshos_daemon_rejected{daemon="4",name="",node="1"} 1
meshos_daemon_restarts_total{daemon="3",name="nginx",node="1"} 2
meshos_daemon_restarts_total{daemon="4",name="",node="1"} 0
meshos_daemon_state{daemon="3",name="nginx",node="1",state="running"} 1
meshos_daemon_state{daemon="3",name="nginx",node="1",state="starting"} 0
meshos_daemon_state{daemon="3",name="nginx",node="1",state="stopped"} 0
meshos_daemon_state{daemon="3",name="nginx",node="1",state="stopping"} 0
meshos_daemon_state{daemon="4",name="",node="1",state="running"} 0
meshos_daemon_state{daemon="4",name="",node="1",state="starting"} 0
meshos_daemon_state{daemon="4",name="",node="1",state="stopped"} 1
meshos_daemon_state{daemon="4",name="",node="1",state="stopping"} 0
meshos_daemon_wanted{daemon="3",name="nginx",node="1"} 1
meshos_daemon_wanted{daemon="4",name="",node="1"} 0
meshos_draining{node="1"} 0
meshos_event_queue_depth{node="1"} 4
meshos_failures_total{node="1",source="action"} 2
meshos_failures_total{node="1",source="plugin:health-tcp"} 1
meshos_failures_total{node="1",source="unknown"} 2
meshos_freeze_remaining_seconds{node="1"} 90
meshos_frozen{node="1"} 1
meshos_machine_cpus{node="1"} 8
meshos_machine_cpus_used{node="1"} 3.5
meshos_machine_disk_inodes{node="1"} 8
meshos_machine_disk_inodes_used{node="1"} 7
meshos_machine_disk_size_bytes{node="1"} 4
meshos_machine_disk_used_bytes{node="1"} 3
meshos_machine_filesystem_size_bytes{node="1",path="/"} 4
meshos_machine_filesystem_used_bytes{node="1",path="/"} 3
meshos_machine_gpu_busy_ratio{gpu="0000:3b:00.0",node="1"} 0.42
meshos_machine_gpu_info{device="1002:740c",driver="amdgpu",gpu="0000:3b:00.0",node="1",vendor="amd"} 1
meshos_machine_gpu_memory_size_bytes{gpu="0000:3b:00.0",node="1"} 4
meshos_machine_gpu_memory_used_bytes{gpu="0000:3b:00.0",node="1"} 3
meshos_machine_link_dropped_total{direction="receive",link="eth0",node="1"} 3
meshos_machine_link_dropped_total{direction="send",link="eth0",node="1"} 4
meshos_machine_link_errors_total{direction="receive",link="eth0",node="1"} 1
meshos_machine_link_errors_total{direction="send",link="eth0",node="1"} 2
meshos_machine_link_speed_bytes{link="eth0",node="1"} 1.25e+08
meshos_machine_link_up{link="eth0",node="1"} 1
meshos_machine_load1{node="1"} 0.5
meshos_machine_memory_size_bytes{node="1"} 6
meshos_machine_memory_used_bytes{node="1"} 5
meshos_machine_temperature_celsius{node="1",sensor="nvme"} 38.5
meshos_node_cpus{node="1"} 1.5
meshos_node_cpus_used{node="1"} 0.25
meshos_node_memory_size_bytes{node="1"} 2
meshos_node_memory_used_bytes{node="1"} 1
meshos_machine_saturation_trend{node="1"} -0.5
meshos_maintenance_phase_seconds{node="1"} 2
meshos_maintenance_phase{node="1",phase="active"} 0
meshos_maintenance_phase{node="1",phase="drain_failed"} 0
meshos_maintenance_phase{node="1",phase="entering"} 1
meshos_maintenance_phase{node="1",phase="exiting"} 0
meshos_maintenance_phase{node="1",phase="maintenance"} 0
meshos_maintenance_phase{node="1",phase="recovery"} 0
meshos_maintenance_waiting_for{node="1"} 1
meshos_node_info{cluster="here",name="one",node="1"} 1
meshos_peer_health{name="",node="1",peer="6"} 0
meshos_peer_health{name="five",node="1",peer="5"} 1
meshos_peer_jitter_seconds{name="five",node="1",peer="5"} 0.001
meshos_peer_loss_ratio{name="five",node="1",peer="5"} 0.05
meshos_peer_lost{name="",node="1",peer="6"} 1
meshos_peer_lost{name="five",node="1",peer="5"} 0
meshos_peer_rtt_seconds{name="five",node="1",peer="5"} 0.0015
meshos_peers{health="degraded",node="1"} 0
meshos_peers{health="healthy",node="1"} 1
meshos_peers{health="unknown",node="1"} 1
meshos_peers{health="unreachable",node="1"} 1
meshos_plugin_call_failures_total{node="1",plugin="health-tcp"} 2
meshos_plugin_status{node="1",plugin="health-tcp",status="backing_off"} 0
meshos_plugin_status{node="1",plugin="health-tcp",status="ready"} 1
meshos_records_bytes{chain="audit",node="1"} 10
meshos_records_limit_bytes{chain="audit",node="1"} 100
meshos_records_free_bytes{node="1"} 4096
meshos_records_lost_total{chain="failure",node="1"} 3
meshos_records_oldest_pending_seconds{chain="failure",node="1"} 0
meshos_records_oldest_waiting_seconds{chain="audit",node="1"} 0
meshos_records_pending{chain="failure",node="1"} 0
meshos_records_waiting{chain="failure",node="1"} 0
meshos_records_waiting{chain="log",node="1"} 1
meshos_records_write_failures_total{chain="log",node="1"} 4
meshos_records_pending{chain="log",node="1"} 2
meshos_rtt_seconds_count{node="1"} 1
meshos_rtt_seconds_sum{node="1"} 0.0015
meshos_ticks_total{node="1"} 7
`
	got := scraped(t, m)
	for _, line := range strings.Split(strings.TrimSpace(want), "\n") {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, `node="1"`) {
			t.Errorf("not said of which node: %s", line)
		}
	}
	if strings.Contains(got, `chain="action",node="1"} 100`) {
		t.Error("a chain without a limit has one")
	}
	n, err := testutil.GatherAndCount(m.Registry(), "meshos_tick_duration_seconds",
		"meshos_plugin_call_duration_seconds", "meshos_action_duration_seconds")
	if err != nil || n != 3 {
		t.Errorf("%d families of durations, want 3: %v", n, err)
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

// scraped returns what Prometheus gets.
func scraped(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(m.Registry(), promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// Of many peers only those that are not well have series of their own.
func TestOfManyPeersThoseThatAreNotWellAreShown(t *testing.T) {
	snap := &snapshot.Snapshot{Node: 1, AvoidList: snapshot.AvoidListOf(snapshot.Avoid{Peer: 900})}
	var peers []snapshot.Peer
	for id := mesh.NodeID(2); id < 2000; id++ {
		peers = append(peers, snapshot.Peer{Node: id, Health: mesh.HealthHealthy, RTT: time.Duration(id), HasRTT: true, Echoes: mesh.Echoes{Sent: 10, Received: 10}})
	}
	peers[10].Health = mesh.HealthUnreachable // peer 12
	peers[11].Echoes.Received = 9             // peer 13
	snap.Peers = snapshot.PeersOf(peers...)
	m := served(snap)
	follow(m, snap)
	n, err := testutil.GatherAndCount(m.Registry(), "meshos_peer_health", "meshos_peer_rtt_seconds", "meshos_peer_loss_ratio")
	if err != nil || n != 3*3 {
		t.Errorf("%d series, want those of 3 peers: %v", n, err)
	}
	got := scraped(t, m)
	for _, want := range []string{
		`meshos_peer_health{name="",node="1",peer="12"} 0`, `meshos_peer_loss_ratio{name="",node="1",peer="13"} 0.1`,
		`meshos_peer_health{name="",node="1",peer="900"} 1`, `meshos_peers{health="healthy",node="1"} 1997`,
		`meshos_rtt_seconds_count{node="1"} 1998`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
}

// A measurement that is seen at several ticks counts once.
func TestEachRoundTripTimeCountsOnce(t *testing.T) {
	at := func(rtt time.Duration) *snapshot.Snapshot {
		return &snapshot.Snapshot{Node: 1, Peers: snapshot.PeersOf(snapshot.Peer{Node: 2, RTT: rtt, HasRTT: rtt > 0})}
	}
	m := served(at(0))
	follow(m, at(5), at(5), at(7), at(0), at(7), at(7))
	if got := scraped(t, m); !strings.Contains(got, "\nmeshos_rtt_seconds_count{node=\"1\"} 3\n") {
		t.Errorf("got %s", got)
	}
}

func TestSourcesOfFailuresAreBounded(t *testing.T) {
	snap := &snapshot.Snapshot{Node: 1}
	for n := range uint64(1000) {
		snap.Failures = append(snap.Failures, mesh.FailureRecord{Seq: n + 1, Source: fmt.Sprintf("made-up-%d", n)})
	}
	m := served(snap)
	follow(m, snap)
	n, err := testutil.GatherAndCount(m.Registry(), "meshos_failures_total")
	if err != nil || n > 201 {
		t.Errorf("%d series: %v", n, err)
	}
}

// A disk that takes nothing: records wait, get older, and are lost, while it still takes nothing.
func TestRecordsThatWaitAgeAndAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(first, last, acked uint64) *snapshot.Snapshot {
			s := &snapshot.Snapshot{Node: 1, Acknowledged: snapshot.AcknowledgedThrough{Log: acked}}
			for seq := first; seq <= last; seq++ {
				s.Logs = append(s.Logs, mesh.LogRecord{Seq: seq})
			}
			return s
		}
		var snap *snapshot.Snapshot
		state := metrics.RecordsState{}
		m := metrics.New(metrics.Node{ID: 1})
		src := source(func() *snapshot.Snapshot { return snap })
		src.Records = func(c mesh.RecordChain) metrics.RecordsState {
			if c == mesh.ChainLog {
				return state
			}
			return metrics.RecordsState{}
		}
		m.Register(src)
		want := func(waiting, oldestWaiting, pending, oldestPending, lost int) {
			t.Helper()
			follow(m, snap)
			got := scraped(t, m)
			for name, value := range map[string]int{
				"waiting": waiting, "oldest_waiting_seconds": oldestWaiting, "pending": pending, "oldest_pending_seconds": oldestPending, "lost_total": lost,
			} {
				if line := fmt.Sprintf("\nmeshos_records_%s{chain=\"log\",node=\"1\"} %d\n", name, value); !strings.Contains(got, line) {
					found := regexp.MustCompile("meshos_records_" + name + `{chain="log".*`).FindString(got)
					t.Errorf("want %s, got %s", strings.TrimSpace(line), found)
				}
			}
		}
		snap, state.Through = at(1, 5, 5), 5
		want(0, 0, 0, 0, 0)
		time.Sleep(10 * time.Second)
		snap = at(1, 7, 5) // two more, which the disk does not take
		want(2, 0, 2, 0, 0)
		time.Sleep(10 * time.Second)
		snap = at(1, 9, 5)
		want(4, 10, 4, 10, 0)
		time.Sleep(10 * time.Second)
		snap = at(8, 12, 5) // 6 and 7 are gone
		want(5, 20, 7, 20, 2)
		state.Through, state.Lost = 9, 2 // it takes them again
		want(3, 0, 7, 20, 2)
		snap, state.Through = at(8, 12, 12), 12
		want(0, 0, 0, 0, 2)
	})
}

// Days without a disk need no more memory, and the oldest record stays the oldest.
func TestAnOutageOfDaysIsRememberedInLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		snap := &snapshot.Snapshot{Node: 1}
		m := metrics.New(metrics.Node{ID: 1})
		m.Register(source(func() *snapshot.Snapshot { return snap }))
		for seq := uint64(1); seq <= 5000; seq++ {
			snap = &snapshot.Snapshot{Node: 1, Audit: []mesh.AuditRecord{{Seq: seq}}}
			follow(m, snap)
			time.Sleep(time.Second)
		}
		if got := scraped(t, m); !strings.Contains(got, "\nmeshos_records_oldest_pending_seconds{chain=\"audit\",node=\"1\"} 5000\n") {
			t.Errorf("got %s", got)
		}
	})
}
