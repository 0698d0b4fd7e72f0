package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A node that is stopped stands for a process that hangs: its kernel goes on accepting
// connections, and that is all.
func TestAPeerThatHangsIsUnreachableAlthoughItsKernelAccepts(t *testing.T) {
	t.Parallel()
	other := prepare(t).start("--stop-daemons")
	t.Cleanup(func() { _ = other.cmd.Process.Signal(syscall.SIGCONT) }) // or it could not end
	n := prepare(t)
	n.write(fmt.Sprintf(`[node]
id = 1
listen = ""
[loop]
tick_interval = "50ms"
[plugins]
dir = %q
[[plugin]]
name = "health-tcp"
[plugin.config]
interval = "100ms"
[[plugin]]
name = "health-http"
[plugin.config]
interval = "100ms"
timeout = "1s"
degraded_after = "900ms"
body = "ok"
[[peer]]
id = 2
name = "asked"
health = "http://%[2]s/healthz"
[[peer]]
id = 3
name = "connected"
health = "tcp://%[2]s"
`, filepath.Join(bin, "plugins"), other.listen))
	n.start()
	both := func(s *meshosv1.Snapshot) bool {
		return peer(s, 2).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_HEALTHY && peer(s, 3).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_HEALTHY
	}
	n.until("both healthy", both)
	if err := other.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	snap := n.until("the one that is asked unreachable", func(s *meshosv1.Snapshot) bool {
		return peer(s, 2).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE
	})
	if why := peer(snap, 2).GetHealthReason(); why != "connects, but does not answer in time" {
		t.Errorf("its reason is %q", why)
	}
	if got := peer(snap, 3).GetHealth(); got != meshosv1.NodeHealth_NODE_HEALTH_HEALTHY {
		t.Errorf("by a connection alone it is %v, so this test shows nothing", got)
	}
	if out := n.must("status"); !strings.Contains(out, "connects, but does not answer in time") {
		t.Errorf("status:\n%s", out)
	}
	if err := other.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	n.until("both healthy again", both)
}

func TestAHealthTargetThatNoPluginChecksIsSaid(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	config := func(rest string) string {
		return fmt.Sprintf(`[node]
id = 1
listen = ""
[loop]
tick_interval = "50ms"
[plugins]
dir = %q
[[peer]]
id = 2
name = "web"
health = "https://127.0.0.1:1/healthz"
[[peer]]
id = 3
name = "cache"
health = "redis://127.0.0.1:1"
[[plugin]]
name = "health-tcp"
%s`, filepath.Join(bin, "plugins"), rest)
	}
	n.write(config(""))
	_, errs, code := n.meshos("validate")
	for _, want := range []string{
		":11: peer.health: no enabled plugin checks https:// targets, so the health of this peer stays unknown",
		`add [[plugin]] with name = "health-http"`,
		":15: peer.health: no enabled plugin checks redis:// targets",
	} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("validate: exit %d, without %q:\n%s", code, want, errs)
		}
	}
	n.start()
	n.until("the status says it", func(s *meshosv1.Snapshot) bool {
		return peer(s, 2).GetHealthReason() == "no plugin checks https:// health targets" &&
			peer(s, 3).GetHealthReason() == "no plugin checks redis:// health targets"
	})
	if out := n.must("status"); !strings.Contains(out, "2 of 2 peers not checked") {
		t.Errorf("status:\n%s", out)
	}
	if out := n.must("explain", "peer", "web"); !strings.Contains(out, "it is not checked: no plugin checks https:// health targets") {
		t.Errorf("explain:\n%s", out)
	}

	n.end()
	n.write(config("[[plugin]]\nname = \"health-http\"\n"))
	n.start()
	snap := n.until("a verdict on the one that is checked now", func(s *meshosv1.Snapshot) bool {
		return peer(s, 2).GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE
	})
	if why := peer(snap, 2).GetHealthReason(); why != "refused: nobody listens" {
		t.Errorf("its reason is %q", why)
	}
	n.until("the other one still said", func(s *meshosv1.Snapshot) bool { return peer(s, 3).GetHealthReason() != "" })
	if out := n.must("plugin", "describe", "health-http"); !strings.Contains(out, "http://, https://, grpc://, grpcs://") {
		t.Errorf("describe:\n%s", out)
	}
}
