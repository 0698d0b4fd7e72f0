package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// peersConfig is a node with two peers, whose samples would last for an hour. rest is
// the rest of the second peer's entry.
func peersConfig(n *node, first, rest string) string {
	return fmt.Sprintf(`[node]
id = 1
listen = ""
[loop]
tick_interval = "50ms"
sample_ttl = "1h"
[plugins]
dir = %q
[[plugin]]
name = "health-tcp"
[plugin.config]
interval = "100ms"
[[plugin]]
name = "locality-icmp"
[plugin.config]
interval = "100ms"
[[peer]]
id = 2
name = "first"
address = "127.0.0.1"
health = %q
[[peer]]
id = 3
name = "second"
%s`, filepath.Join(bin, "plugins"), first, rest)
}

func TestB17_WhatIsKnownOfAPeerIsWhatIsTrueNow(t *testing.T) {
	t.Parallel()
	up, soon := listen(t), listen(t)
	n := prepare(t)
	n.write(peersConfig(n, up.Addr().String(), fmt.Sprintf("address = \"127.0.0.3\"\nhealth = %q\n", soon.Addr())))
	n.start()
	pings := mayPing()
	n.until("both peers healthy and measured", func(s *meshosv1.Snapshot) bool {
		for _, id := range []uint64{2, 3} {
			p := peer(s, id)
			if p.GetHealth() != meshosv1.NodeHealth_NODE_HEALTH_HEALTHY || p.HealthSince == nil ||
				pings && (p.GetRtt().AsDuration() <= 0 || p.Loss == nil || p.Jitter == nil) {
				return false
			}
		}
		return true
	})

	_ = soon.Close()
	snap := n.until("the second one unreachable, with the reason", func(s *meshosv1.Snapshot) bool {
		p := peer(s, 3)
		return p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE && p.GetHealthReason() == "refused: nobody listens"
	})
	if since, first := peer(snap, 3).GetHealthSince().AsDuration(), peer(snap, 2).GetHealthSince().AsDuration(); since >= first {
		t.Errorf("unreachable for %s, the other one is healthy for %s", since, first)
	}
	if out := n.must("status"); !strings.Contains(out, "refused: nobody listens") {
		t.Errorf("status does not say why:\n%s", out)
	}
	if out := n.must("explain", "peer", "second"); !strings.Contains(out, "it has been unreachable by IPv4 for") || !strings.Contains(out, "refused: nobody listens") {
		t.Errorf("explain does not say why:\n%s", out)
	}

	// Nobody measures the second one any more: long before sample_ttl nothing is known.
	n.write(peersConfig(n, up.Addr().String(), ""))
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	snap = n.until("nothing known of the second one", func(s *meshosv1.Snapshot) bool {
		p := peer(s, 3)
		return p != nil && p.Rtt == nil && p.GetHealth() == 0 && p.HealthSince == nil && p.Loss == nil
	})
	if p := peer(snap, 2); p.GetHealth() != meshosv1.NodeHealth_NODE_HEALTH_HEALTHY || pings && p.Rtt == nil {
		t.Errorf("the first one: %v", p)
	}
}

// The process that comes after a crash has measured nothing yet: it must not wipe out what
// is known.
func TestB17_ARestartedProbeDoesNotWipeOutWhatIsKnown(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	// The second peer never answers, so the first round of a process takes seconds.
	n.write(peersConfig(n, "127.0.0.1:1", "health = \"192.0.2.1:9\"\n"))
	n.start("--journal", filepath.Join(n.dir, "journal"))
	down := func(s *meshosv1.Snapshot) bool {
		return peer(s, 2).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE
	}
	snap := n.until("unreachable", down)
	pid := plugin(snap, "health-tcp").GetPid()
	if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	since := peer(snap, 2).GetHealthSince().AsDuration()
	snap = n.until("another process", func(s *meshosv1.Snapshot) bool {
		if !down(s) {
			t.Fatalf("the verdict is gone: %v", peer(s, 2))
		}
		p := plugin(s, "health-tcp")
		return p.GetStatus() == meshosv1.PluginView_STATUS_READY && p.GetPid() != pid && p.GetCalls() > plugin(snap, "health-tcp").GetCalls()
	})
	if now := peer(snap, 2).GetHealthSince().AsDuration(); now <= since {
		t.Errorf("unreachable for %s, before for %s", now, since)
	}
	n.end()
	out := n.must("replay", filepath.Join(n.dir, "journal"), "--snapshot")
	if last := out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]; !strings.Contains(last, `"health_reason":"refused: nobody listens"`) {
		t.Errorf("the replay does not know why: %s", last)
	}
}
