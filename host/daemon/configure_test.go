package daemon_test

import (
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
)

// kept counts how often it was logged that daemon 7 keeps what it was started with.
func (n *node) kept() (times int) {
	for _, ev := range n.all() {
		if matches(ev, "7 4> meshos: it runs with the configuration that it was started with; *") {
			times++
		}
	}
	return times
}

func TestAChangedCommandHoldsFromTheNextStartAndThatIsLoggedOnce(t *testing.T) {
	t.Parallel()
	first, other := sh(7, sleeper), sh(7, "echo another; exec sleep 1000")
	n := startNode(t, first)
	n.start(7)
	n.wait(t, "7 3> ready")
	pid := n.Running()[0].PID
	for _, c := range []struct {
		spec daemon.Spec
		kept int
	}{{first, 0}, {other, 1}, {other, 1}, {first, 1}, {other, 2}} {
		n.Configure([]daemon.Spec{c.spec})
		if got := n.kept(); got != c.kept {
			t.Errorf("it was logged %d times, want %d", got, c.kept)
		}
	}
	if running := n.Running(); len(running) != 1 || running[0].PID != pid {
		t.Errorf("running: %+v, want process %d", running, pid)
	}
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	n.start(7)
	n.wait(t, "7 3> another")
}

func TestAChangedCheckHoldsAtOnce(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	bad, good := sh(7, sleeper), checked(sh(7, sleeper), health.Check{Type: "tcp", Target: l.Addr().String()})
	bad = checked(bad, health.Check{Type: "exec", Command: []string{"no-such-check"}})
	n := startNode(t, sh(7, sleeper))
	n.start(7)
	n.Configure([]daemon.Spec{bad})
	n.wait(t, "7 unknown: it can't be checked: *")
	n.Configure([]daemon.Spec{good})
	n.wait(t, "7 healthy: ")
	if got := n.kept(); got != 0 {
		t.Error("another check is no other command")
	}
	n.Configure([]daemon.Spec{sh(7, sleeper)}) // nobody asks any more
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
}

func TestB16_AnotherNameIsInAllEventsFromThenOn(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, sleeper))
	n.start(7)
	n.wait(t, "7 started")
	renamed := sh(7, sleeper)
	renamed.Daemon.Name = "another"
	n.Configure([]daemon.Spec{renamed})
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	n.until(t, "its end under its new name", func() bool {
		return slices.ContainsFunc(n.events, func(ev mesh.Event) bool {
			exit, is := ev.(mesh.DaemonExited)
			return is && exit.Daemon == renamed.Daemon
		})
	})
}

func TestTheFolderOfADaemonThatDoesNotRunGoesWithItsConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, sh(7, "exit 3"), sh(8, sleeper))
	n.start(7)
	n.start(8)
	n.wait(t, "7 crashed: exit status 3")
	n.Configure(nil)
	testkit.Until(t, "the end of its folder", func() bool { return !exists(filepath.Join(dir, "7")) })
	if !exists(filepath.Join(dir, "8")) {
		t.Error("the folder of one that runs is gone")
	}
	n.stop(8, time.Hour)
	testkit.Until(t, "the end of the other folder", func() bool { return !exists(filepath.Join(dir, "8")) })
}
