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

// stack is a database, whose health is whether a file is there, and a worker that needs it.
// Both write a line when they are asked to end.
type stack struct {
	*node
	well, log string
}

func newStack(t *testing.T, flags ...string) *stack {
	dir := t.TempDir()
	s := &stack{well: filepath.Join(dir, "well"), log: filepath.Join(dir, "log")}
	command := func(name string) string {
		return fmt.Sprintf(`["/bin/sh", "-c", "trap 'sleep 0.2; echo %s >>%s; exit 0' TERM; while :; do sleep 0.02; done"]`, name, s.log)
	}
	s.node = withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 1
name = "worker"
command = %s
requires = ["db"]
[[daemon]]
id = 2
name = "db"
command = %s
restart_initial = "20ms"
health = { type = "exec", command = ["test", "-e", %q], interval = "50ms", failures = 1 }
`, command("worker"), command("db"), s.well)).start(flags...)
	return s
}

func (s *stack) heal() {
	s.t.Helper()
	if err := os.WriteFile(s.well, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) bothRun(what string) *meshosv1.Snapshot {
	s.t.Helper()
	return s.until("both to run "+what, func(s *meshosv1.Snapshot) bool { return runs(s, 1) && runs(s, 2) })
}

// stops checks the order in which the two were asked to end.
func (s *stack) stops(want ...string) {
	s.t.Helper()
	text, _ := os.ReadFile(s.log)
	if got := strings.Fields(string(text)); strings.Join(got, " ") != strings.Join(want, " ") {
		s.t.Errorf("they ended in the order %v, want %v", got, want)
	}
	_ = os.Remove(s.log)
}

func TestADaemonStartsWhenTheOneThatItRequiresIsHealthy(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	snap := s.until("the worker to wait", func(s *meshosv1.Snapshot) bool {
		return runs(s, 2) && daemonOf(s, 1).GetWaiting() == "waiting for db (unhealthy)"
	})
	if runs(snap, 1) {
		t.Error("the worker runs")
	}
	for _, command := range []string{"status", "daemon list", "explain daemon worker"} {
		if out := s.must(strings.Fields(command)...); !strings.Contains(out, "waiting for db (unhealthy)") {
			t.Errorf("%s does not say what it waits for:\n%s", command, out)
		}
	}
	s.heal()
	both := s.bothRun("once the database is well")

	// A crash of the database, and its illness, leave the worker alone.
	if err := syscall.Kill(int(daemonOf(both, 2).GetPid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.well); err != nil {
		t.Fatal(err)
	}
	after := s.until("the database to be ill after a crash", func(s *meshosv1.Snapshot) bool {
		return runs(s, 2) && daemonOf(s, 2).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_UNHEALTHY
	})
	if daemonOf(after, 1).GetPid() != daemonOf(both, 1).GetPid() {
		t.Error("the worker was restarted because the database crashed")
	}
	// But its own start waits.
	s.must("daemon", "restart", "worker", "--yes")
	s.until("the worker to wait again", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 1).GetWaiting() != "" && !runs(s, 1) })
}

func TestDaemonsStopInTheReverseOrderOfTheirStart(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.heal()
	s.bothRun("at first")

	s.must("admin", "drain", "--yes")
	s.until("the drain to be over", func(s *meshosv1.Snapshot) bool { return !s.GetLocalMaintenance().GetDraining() && !runs(s, 2) })
	s.stops("worker", "db")
	s.must("admin", "uncordon", "--yes")
	s.bothRun("after the drain")

	s.must("daemon", "stop", "db", "--yes")
	stopped := s.until("both to stop", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 2).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED
	})
	s.stops("worker", "db")
	if got := daemonOf(stopped, 1).GetWaiting(); got != "waiting for db (should not run)" {
		t.Errorf("the worker is %q", got)
	}
	s.must("daemon", "start", "db", "--yes")
	before := s.bothRun("after the start of the database")

	s.must("daemon", "restart", "db", "--yes")
	s.until("both to be restarted", func(s *meshosv1.Snapshot) bool {
		return runs(s, 1) && runs(s, 2) && daemonOf(s, 2).GetPid() != daemonOf(before, 2).GetPid() &&
			daemonOf(s, 1).GetPid() != daemonOf(before, 1).GetPid()
	})
	s.stops("worker", "db")

	before = s.bothRun("before all are restarted")
	s.must("admin", "restart-daemons", "--yes")
	s.until("both to be restarted once more", func(s *meshosv1.Snapshot) bool {
		return runs(s, 1) && runs(s, 2) && daemonOf(s, 2).GetPid() != daemonOf(before, 2).GetPid()
	})
	s.stops("worker", "db")
}

func TestTheEndOfANodeStopsDaemonsInOrder(t *testing.T) {
	t.Parallel()
	s := newStack(t, "--stop-daemons")
	s.heal()
	s.bothRun("")
	s.end()
	s.stops("worker", "db")
}
