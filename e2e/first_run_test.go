package e2e

import (
	"bufio"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// all are the plugins that come with meshos.
var all = []string{"aborter-orchestrator", "appender-jsonl", "health-tcp", "inventory-procfs", "locality-icmp", "scorer-default"}

// mayPing reports whether this user may send ICMP echoes on this machine.
func mayPing() bool {
	for _, network := range []string{"ip4:icmp", "udp4"} {
		if c, err := icmp.ListenPacket(network, "127.0.0.1"); err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}

// settled reports whether a plugin is in its expected state: ready, or, if this user may not
// ping, locality-icmp with the reason.
func settled(p *meshosv1.PluginView) bool {
	if p.GetName() == "locality-icmp" && !mayPing() {
		return strings.Contains(p.GetMessage(), "ping_group_range")
	}
	return p.GetStatus() == meshosv1.PluginView_STATUS_READY
}

func complete(s *meshosv1.Snapshot) bool {
	for _, name := range all {
		if p := plugin(s, name); p == nil || !settled(p) {
			return false
		}
	}
	return true
}

func TestPIP09_TheShippedConfigurationWorksAtOnce(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	snap := n.until("six plugins ready, peers judged, the daemon running", func(s *meshosv1.Snapshot) bool {
		if !complete(s) || len(s.GetDaemons()) == 0 {
			return false
		}
		healthy, unreachable := 0, 0
		for _, p := range s.GetPeers() {
			switch p.GetHealth() {
			case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
				healthy++
			case meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
				unreachable++
			}
		}
		return healthy > 0 && unreachable > 0 &&
			s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING &&
			peer(s, s.GetNode()).GetInventory().GetMemTotalBytes() > 0
	})

	if mayPing() {
		n.until("the times to its peers, all of which are here", func(s *meshosv1.Snapshot) bool {
			return !slices.ContainsFunc(s.GetPeers(), func(p *meshosv1.PeerView) bool {
				rtt := p.GetRtt().AsDuration()
				return p.GetPeer() != s.GetNode() && (rtt <= 0 || rtt >= 50*time.Millisecond)
			})
		})
	}
	if got, want := peer(snap, snap.GetNode()).GetInventory().GetMachineMemTotalBytes(), memTotal(t); got != want {
		t.Errorf("memory %d, the kernel has %d", got, want)
	}
	n.until("the checksum of each plugin that runs", func(s *meshosv1.Snapshot) bool {
		return !slices.ContainsFunc(s.GetPlugins(), func(p *meshosv1.PluginView) bool {
			return settled(p) && p.GetStatus() == meshosv1.PluginView_STATUS_READY && (p.GetPid() == 0 || len(p.GetSha256()) != 64)
		})
	})

	demo := snap.GetDaemons()[0].GetDaemon()
	n.until("the daemon's lines in the log", func(s *meshosv1.Snapshot) bool {
		for _, l := range s.GetLogs() {
			if l.GetDaemonId() == demo.GetId() && l.GetMessage() != "" {
				return true
			}
		}
		return false
	})
	if out := n.must("logs"); !strings.Contains(out, demo.GetName()) {
		t.Errorf("meshos logs does not name the daemon:\n%s", out)
	}
	if out := n.must("status", "--all"); !strings.Contains(out, "locality-icmp") || strings.Contains(out, "\x1b[") {
		t.Errorf("meshos status, not on a terminal:\n%s", out)
	}
	if out := n.must("plugin", "describe", "health-tcp"); !strings.Contains(out, "health_probe") {
		t.Errorf("meshos plugin describe:\n%s", out)
	}
}

func memTotal(t *testing.T) uint64 {
	t.Helper()
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib * 1024
		}
	}
	t.Fatal("no MemTotal in /proc/meminfo")
	return 0
}

// How many ticks that takes is tested with the loop.
func TestAPublishedSlowPeerIsAvoided(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	snap := n.until("a complete snapshot", complete)
	var slow uint64
	for _, p := range snap.GetPeers() {
		if p.GetPeer() != snap.GetNode() {
			slow = p.GetPeer()
			break
		}
	}
	n.must("publish", `{"rtt_sample":{"peer":"`+strconv.FormatUint(slow, 10)+`","rtt":"0.300s"}}`)
	snap = n.until("the peer on the avoid list", func(s *meshosv1.Snapshot) bool { return len(s.GetAvoidList()) == 1 })
	a := snap.GetAvoidList()[0]
	if a.GetPeer() != slow || !strings.Contains(a.GetReason(), "300 ms") || a.GetTtl().AsDuration() <= 0 {
		t.Errorf("avoided: %v", a)
	}
	if out := n.must("status"); !strings.Contains(out, "300 ms") {
		t.Errorf("status does not show the reason:\n%s", out)
	}
}

func TestHealthAndMetricsAreServed(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot and calls to the plugins", func(s *meshosv1.Snapshot) bool {
		return complete(s) && plugin(s, "health-tcp").GetCalls() > 1
	})
	testkit.Until(t, "/healthz to say OK", func() bool {
		code, _ := get(t, "http://"+n.listen+"/healthz")
		return code == http.StatusOK
	})
	n.untilMetrics(
		`meshos_ticks_total{node="1"} `, "meshos_tick_duration_seconds_bucket", `meshos_event_queue_depth{node="1"} `, `meshos_events_applied_total{node="1"} `,
		`meshos_actions_total{kind="start_daemon",node="1",outcome="dispatched"} 1`,
		`meshos_plugin_calls_total{node="1",plugin="health-tcp"}`, `meshos_plugin_restarts_total{node="1",plugin="health-tcp"} 0`,
		`meshos_plugin_call_duration_seconds_bucket{method="HealthProbe.SampleHealth",node="1",plugin="health-tcp"`,
	)
}

// untilMetrics waits until the page of metrics contains all of these.
func (n *node) untilMetrics(wanted ...string) {
	n.t.Helper()
	for _, part := range wanted {
		testkit.Until(n.t, part+" in /metrics", func() bool {
			_, page := get(n.t, "http://"+n.listen+"/metrics")
			return strings.Contains(page, part)
		})
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}
