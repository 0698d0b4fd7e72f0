package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestASlowStartIsNoIllnessAndAnIllDaemonIsRestarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	well, checks := filepath.Join(dir, "well"), filepath.Join(dir, "checks")
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "demo"
command = ["sleep", "1000"]
restart_initial = "20ms"
[daemon.health]
type = "exec"
command = ["/bin/sh", "-c", "echo checked >>%s; test -e %s"]
interval = "50ms"
failures = 1
start_period = "1h"
on_unhealthy = "restart"
`, checks, well)).start()
	snap := n.until("ten checks", func(s *meshosv1.Snapshot) bool {
		text, _ := os.ReadFile(checks)
		return runs(s, 3) && strings.Count(string(text), "\n") >= 10
	})
	if d := daemonOf(snap, 3); d.GetHealth() != nil || d.GetRestarts() != 0 {
		t.Errorf("while it starts: %v", d)
	}
	first := daemonOf(snap, 3).GetPid()
	if err := os.WriteFile(well, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.until("it to be healthy", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY
	})
	if err := os.Remove(well); err != nil {
		t.Fatal(err)
	}
	snap = n.until("another process", func(s *meshosv1.Snapshot) bool { return runs(s, 3) && daemonOf(s, 3).GetPid() != first })
	if d := daemonOf(snap, 3); d.GetRestarts() != 1 || d.GetCrashes() != 1 || d.GetLastExit().GetUnhealthy() == "" {
		t.Errorf("after the restart: %v", d)
	}
	if out := n.must("failures"); !strings.Contains(out, "was unhealthy (exit status 1)") {
		t.Errorf("failures do not say why it was restarted:\n%s", out)
	}
}

// A restart because of illness goes through the gate, so one that is never well loops no
// faster than one that crashes.
func TestOneThatIsNeverHealthyIsHeldBackByItsGate(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, `[[daemon]]
id = 3
name = "demo"
command = ["sleep", "1000"]
restart_initial = "20ms"
restart_crash_loop_threshold = 3
health = { type = "exec", command = ["false"], interval = "50ms", failures = 1, on_unhealthy = "restart" }
`).start()
	snap := n.until("a crash loop", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING
	})
	if d := daemonOf(snap, 3); d.GetCrashes() != 3 || d.GetRestarts() != 2 || d.NextStart == nil {
		t.Errorf("in the loop: %v", d)
	}
	for _, command := range []string{"status", "daemon list"} {
		if out := n.must(strings.Fields(command)...); !strings.Contains(out, "was unhealthy 3 times (exit status 1), again in") {
			t.Errorf("%s:\n%s", command, out)
		}
	}
}
