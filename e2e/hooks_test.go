package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func stopped(s *meshosv1.Snapshot, id uint64) bool {
	return daemonOf(s, id).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED
}

// lines returns the lines of a file; none if there is no file.
func linesOf(path string) []string {
	text, _ := os.ReadFile(path)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestHooksRunAsTheDaemonBeforeItsStartAndAfterItsEnd(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "start daemons as another user")
	dir, err := os.MkdirTemp("", "hooks") // whose parent everybody may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "site"
command = ["/bin/sh", "-c", 'echo daemon >>order; exec sleep 1000']
dir = %q
user = 4711
group = 4712
umask = "0027"
env = { WHO = "me" }
pre_start = [["/bin/sh", "-c", 'echo "$(id -u):$(id -g) $(umask) $WHO $(ulimit -n) $PWD"; echo one >>order'], ["/bin/sh", "-c", 'echo two >>order; echo odd >&2']]
post_stop = ["/bin/sh", "-c", 'echo after >>order; echo "$(id -u) tidies"']
[daemon.limits]
files = 321
`, dir)).start()
	snap := n.until("it to run, with the lines before", func(s *meshosv1.Snapshot) bool { return runs(s, 3) && len(printed(s, 3)) == 2 })
	if got, want := strings.Join(printed(snap, 3), "\n"), "pre_start sh: 4711:4712 0027 me 321 "+dir+"\npre_start sh: odd"; got != want {
		t.Errorf("it printed\n%s\nwant\n%s", got, want)
	}
	n.must("daemon", "stop", "site", "--yes")
	snap = n.until("it to be stopped, with the line after", func(s *meshosv1.Snapshot) bool { return stopped(s, 3) && len(printed(s, 3)) == 3 })
	if got := printed(snap, 3)[2]; got != "post_stop sh: 4711 tidies" {
		t.Errorf("it printed %q", got)
	}
	if d := daemonOf(snap, 3); d.GetCrashes() != 0 {
		t.Errorf("it crashed: %v", d)
	}
	if got := strings.Join(linesOf(filepath.Join(dir, "order")), " "); got != "one two daemon after" {
		t.Errorf("they ran in the order %s", got)
	}
}

func TestAFailedHookBeforeTheStartIsACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "site"
command = ["/bin/sh", "-c", 'touch %[1]s/started; exec sleep 1000']
pre_start = [["/bin/sh", "-c", 'test -e %[1]s/good || { echo "bad config" >&2; exit 3; }'], ["/bin/sh", "-c", "true"]]
post_stop = ["/bin/sh", "-c", 'touch %[1]s/after']
`, dir), "[restart]\ninitial = \"20ms\"\ncrash_loop_threshold = 3\n").start()
	snap := n.until("a crash loop", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetCrashes() == 3 && daemonOf(s, 3).GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING
	})
	d := daemonOf(snap, 3)
	if end := d.GetLastExit(); end.GetCode() != 3 || end.GetLastLine() != "pre_start sh: bad config" {
		t.Errorf("last exit %v", end)
	}
	if d.GetPid() != 0 || d.GetStartError() != "" || d.GetRejected() != "" {
		t.Errorf("pid %d, start error %q, rejected %q", d.GetPid(), d.GetStartError(), d.GetRejected())
	}
	for _, command := range []string{"status", "failures", "explain daemon site"} {
		if out := n.must(strings.Fields(command)...); !strings.Contains(strings.Join(strings.Fields(out), " "), `exit 3: "pre_start sh: bad config"`) {
			t.Errorf("%s does not say it:\n%s", command, out)
		}
	}
	if out := n.must("daemon", "logs", "site"); !strings.Contains(out, "pre_start sh: bad config") || !strings.Contains(out, "crashed: pre_start sh: exit status 3: bad config") {
		t.Errorf("its log:\n%s", out)
	}
	for _, name := range []string{"started", "after"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("there is a file %s", name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "good"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.must("daemon", "restart", "site", "--yes")
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
}

// slowStart prepares a node of which a daemon's pre_start waits, with a child of its own, and
// returns the file to which both write their pids.
func slowStart(t *testing.T, timeout string) (n *node, pids string) {
	pids = filepath.Join(t.TempDir(), "pids")
	n = withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "site"
command = ["sleep", "1000"]
pre_start = ["/bin/sh", "-c", 'sleep 1000 & echo "$$ $!" >%[1]s.new; mv %[1]s.new %[1]s; wait']
pre_start_timeout = %[2]q
`, pids, timeout), "[restart]\ninitial = \"1h\"\nmax = \"1h\"\n").start()
	return n, pids
}

// awaitPids waits until a file has the pids of processes.
func awaitPids(t *testing.T, path string) (pids []int) {
	t.Helper()
	testkit.Until(t, "the pids in "+path, func() bool {
		pids = nil
		for _, f := range strings.Fields(strings.Join(linesOf(path), " ")) {
			var pid int
			_, _ = fmt.Sscan(f, &pid)
			pids = append(pids, pid)
		}
		return len(pids) == 2
	})
	return pids
}

func allEnd(t *testing.T, pids []int) {
	t.Helper()
	testkit.Until(t, fmt.Sprintf("the end of %v", pids), func() bool {
		for _, pid := range pids {
			if !testkit.Ended(pid) {
				return false
			}
		}
		return true
	})
}

func TestAHookThatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	n, pids := slowStart(t, "300ms")
	snap := n.until("a crash", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetCrashes() == 1 })
	if got := daemonOf(snap, 3).GetLastExit().GetLastLine(); got != "pre_start sh: did not end within 300ms" {
		t.Errorf("last line %q", got)
	}
	allEnd(t, awaitPids(t, pids))
}

func TestAStopEndsTheHooksBeforeTheStart(t *testing.T) {
	t.Parallel()
	n, pids := slowStart(t, "50s")
	before := awaitPids(t, pids)
	n.until("it to be starting", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STARTING
	})
	n.must("daemon", "stop", "site", "--yes")
	n.until("it to be stopped", func(s *meshosv1.Snapshot) bool { return stopped(s, 3) })
	allEnd(t, before)
}

func TestTheHooksBeforeTheStartEndWithTheNode(t *testing.T) {
	t.Parallel()
	n, pids := slowStart(t, "50s")
	before := awaitPids(t, pids)
	n.kill()
	allEnd(t, before)
	if err := os.Remove(pids); err != nil {
		t.Fatal(err)
	}
	n.start()
	n.until("the next try", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STARTING
	})
	awaitPids(t, pids)
	n.end()
}

func TestAHookAfterTheEndOutlivesTheNodeAndItsFailureIsACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "site"
command = ["/bin/sh", "-c", 'echo start >>%[1]s/order; exec sleep 1000']
post_stop = ["/bin/sh", "-c", 'echo begin >>%[1]s/order; while ! test -e %[1]s/go; do sleep 0.05; done; echo end >>%[1]s/order; echo "not tidy" >&2; exit 4']
`, dir), "[restart]\ninitial = \"20ms\"\nstop_grace = \"200ms\"\n").start()
	order := func() string { return strings.Join(linesOf(filepath.Join(dir, "order")), " ") }
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	n.must("daemon", "restart", "site", "--yes")
	testkit.Until(t, "the command after the end", func() bool { return order() == "start begin" })
	n.kill()
	n.start()
	n.until("the daemon not started again", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetLifecycle() != 0 })
	if got := order(); got != "start begin" {
		t.Errorf("too early: %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "the next start", func() bool { return order() == "start begin end start" })
	snap := n.until("it to run again", func(s *meshosv1.Snapshot) bool { return runs(s, 3) && daemonOf(s, 3).GetLastExit() != nil })
	if end := daemonOf(snap, 3).GetLastExit(); end.GetCode() != 4 || end.GetLastLine() != "post_stop sh: not tidy" {
		t.Errorf("last exit %v", end)
	}
	if daemonOf(snap, 3).GetCrashes() != 1 {
		t.Errorf("%d crashes", daemonOf(snap, 3).GetCrashes())
	}
}
