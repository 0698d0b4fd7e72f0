package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// withDaemons prepares a node with these [[daemon]] sections, without plugins.
func withDaemons(t *testing.T, sections string, settings ...string) *node {
	n := prepare(t)
	n.write(fmt.Sprintf("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\n%s\n%s", strings.Join(settings, "\n"), sections))
	return n
}

func (n *node) hangUp() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
}

// daemonOf returns a daemon of a snapshot; an empty view if there is none.
func daemonOf(s *meshosv1.Snapshot, id uint64) *meshosv1.DaemonView {
	for _, d := range s.GetDaemons() {
		if d.GetDaemon().GetId() == id {
			return d
		}
	}
	return &meshosv1.DaemonView{}
}

func runs(s *meshosv1.Snapshot, id uint64) bool {
	return daemonOf(s, id).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
}

func TestACrashingDaemonSaysSo(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"looper\"\ncommand = [\"/bin/sh\", \"-c\", \"echo boom >&2; exit 3\"]\n",
		"[restart]\ninitial = \"20ms\"\ncrash_loop_threshold = 4\n").start()
	snap := n.until("four crashes", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetCrashes() == 4 && daemonOf(s, 3).GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING
	})
	d := daemonOf(snap, 3)
	if end := d.GetLastExit(); end.GetCode() != 3 || end.GetLastLine() != "boom" || end.GetAt() == nil {
		t.Errorf("last exit %v", end)
	}
	if d.GetRestarts() != 3 || d.GetPid() != 0 || d.NextStart == nil {
		t.Errorf("%d restarts, pid %d, next start %v", d.GetRestarts(), d.GetPid(), d.NextStart)
	}
	const crashed = `crashed 4 times (exit 3: "boom"), again in `
	for _, command := range []string{"status", "daemon list", "daemon list looper", "failures"} {
		if out := n.must(strings.Fields(command)...); !strings.Contains(out, crashed) {
			t.Errorf("%s does not say %q:\n%s", command, crashed, out)
		}
	}
	if out := n.must("daemon", "list"); !strings.Contains(out, "crash-looping") {
		t.Errorf("daemon list does not say that it loops:\n%s", out)
	}
	if out := n.must("explain", "daemon", "looper"); !strings.Contains(out, "it crashed 4 times") || !strings.Contains(out, `exit 3: "boom"`) {
		t.Errorf("explain does not say how it ended:\n%s", out)
	}
	if out := n.must("daemon", "logs", "looper"); !strings.Contains(out, "boom") || !strings.Contains(out, "exit status 3") {
		t.Errorf("its log:\n%s", out)
	}
	n.must("daemon", "restart", "looper", "--yes")
	n.until("it to be tried again at once", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetRestarts() > 3 })
}

func TestADaemonIsRestartedByCommand(t *testing.T) {
	t.Parallel()
	const section = "[[daemon]]\nid = 3\nname = \"demo\"\ncommand = [\"sleep\", %q]\n"
	n := withDaemons(t, fmt.Sprintf(section, "1000")).start()
	pid := daemonOf(n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) }), 3).GetPid()
	for _, command := range []string{
		"daemon restart demo --yes",
		`publish {"admin":{"force_restart_daemon":{"daemon":{"id":3}}}}`, // ice restart-daemon
	} {
		n.must(strings.Fields(command)...)
		next := n.until("another process after "+command, func(s *meshosv1.Snapshot) bool {
			return runs(s, 3) && daemonOf(s, 3).GetPid() != pid
		})
		pid = daemonOf(next, 3).GetPid()
	}

	n.write(fmt.Sprintf("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\n"+section, "1001"))
	n.hangUp()
	n.until("it to be outdated", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetOutdated() && runs(s, 3) })
	n.must("daemon", "restart", "demo", "--yes")
	n.until("it to run as configured", func(s *meshosv1.Snapshot) bool {
		return runs(s, 3) && !daemonOf(s, 3).GetOutdated() && daemonOf(s, 3).GetPid() != pid
	})

	n.must("daemon", "stop", "demo", "--yes")
	n.until("it to stop", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED
	})
	if _, errs, code := n.meshos("daemon", "restart", "demo", "--yes"); code == 0 || !strings.Contains(errs, "meshos daemon start 3") {
		t.Errorf("restart of one that should be stopped: exit %d\n%s", code, errs)
	}
}

func TestADaemonTakenOutOfTheFileLeavesNoRow(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"demo\"\ncommand = [\"sleep\", \"1000\"]\n").start()
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	n.must("daemon", "start", "demo", "--yes")
	n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\n")
	n.hangUp()
	n.until("no daemon", func(s *meshosv1.Snapshot) bool { return len(s.GetDaemons()) == 0 })

	for _, order := range []string{
		`{"daemon_intent":{"daemon":{"id":3},"intent":"INTENT_RUN"}}`,
		`{"admin":{"set_daemon_intent":{"node":1,"daemon":{"id":3},"intent":"INTENT_RUN"}}}`,
		`{"placement_intent":{"chain":7,"desired_replicas":1}}`,
		`{"admin":{"set_placement":{"node":1,"chain":7,"desired_replicas":1}}}`,
	} {
		if _, errs, code := n.meshos("publish", order); code != 4 || !strings.Contains(errs, "is not known") {
			t.Errorf("%s: exit %d\n%s", order, code, errs)
		}
	}
	if s := n.status(); len(s.GetDaemons())+len(s.GetReplicas()) != 0 {
		t.Errorf("it is remembered: %v %v", s.GetDaemons(), s.GetReplicas())
	}
	n.must("publish", `{"replica_update":{"kind":"KIND_ADDED","chain":7,"holder":2}}`, `{"placement_intent":{"chain":7,"desired_replicas":1}}`)
}

// A node is out of maintenance when its daemons are well: the verdict on a process that was
// stopped for the maintenance says nothing about the next one.
func TestLeavingMaintenanceWaitsForTheFirstVerdictOnTheNewProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	well := filepath.Join(dir, "well")
	if err := os.WriteFile(well, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "demo"
command = ["sleep", "1000"]
[daemon.health]
type = "exec"
command = ["/bin/sh", "-c", "test -e %s"]
interval = "100ms"
`, well), "[maintenance]\nrecovery_ramp = \"10ms\"").start()
	healthy := func(s *meshosv1.Snapshot) bool {
		return runs(s, 3) && daemonOf(s, 3).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY
	}
	n.until("it to be healthy", healthy)
	n.must("admin", "enter-maintenance", "--yes")
	n.until("maintenance", func(s *meshosv1.Snapshot) bool {
		if h := daemonOf(s, 3).GetHealth(); !runs(s, 3) && daemonOf(s, 3).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED && h != nil {
			t.Errorf("a stopped daemon has health: %v", h)
		}
		return s.GetLocalMaintenance().GetPhase() == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE
	})
	if err := os.Remove(well); err != nil {
		t.Fatal(err)
	}
	n.must("admin", "exit-maintenance", "--yes")
	snap := n.until("the new process to be judged", func(s *meshosv1.Snapshot) bool {
		return runs(s, 3) && daemonOf(s, 3).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_UNHEALTHY
	})
	if phase := snap.GetLocalMaintenance().GetPhase(); phase != meshosv1.MaintenancePhase_MAINTENANCE_PHASE_EXITING {
		t.Errorf("it left maintenance with a broken daemon: %v", phase)
	}
	if err := os.WriteFile(well, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.until("the node to be active", func(s *meshosv1.Snapshot) bool {
		return healthy(s) && s.GetLocalMaintenance().GetPhase() == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE
	})
}
