package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestADaemonIsReloadedAndSignaledWithoutARestart(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	has := func(line string) {
		t.Helper()
		testkit.Until(t, "the line "+line, func() bool {
			text, _ := os.ReadFile(log)
			return strings.Contains(string(text), line+"\n")
		})
	}
	section := func(reload string) string {
		return fmt.Sprintf(`[[daemon]]
id = 3
name = "demo"
command = ["/bin/sh", "-c", "trap 'echo got HUP >>%[1]s' HUP; trap 'echo got USR1 >>%[1]s' USR1; echo ready >>%[1]s; while :; do sleep 0.02; done"]
%[2]s
`, log, reload)
	}
	n := withDaemons(t, section(`reload_signal = "hup"`)).start()
	pid := daemonOf(n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) }), 3).GetPid()
	has("ready")
	if out := n.must("daemon", "reload", "demo", "--yes"); !strings.Contains(out, "Done: reloaded.") {
		t.Errorf("reload said:\n%s", out)
	}
	has("got HUP")
	n.must("daemon", "signal", "demo", "usr1", "--yes")
	has("got USR1")

	// What the node's file says of reloading, of restarts and of health is taken over in place.
	change := func(reload string) {
		t.Helper()
		n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\n" + section(reload))
		if out := n.must("reload"); strings.Contains(out, "restart") && strings.Contains(out, "needs") {
			t.Errorf("a restart is asked for:\n%s", out)
		}
	}
	change(fmt.Sprintf(`reload_command = ["/bin/sh", "-c", "echo by $MAINPID >>%s; echo so it says"]
restart = "on-failure"
restart_initial = "1s"
health = { type = "exec", command = ["true"], interval = "50ms", start_period = "1s" }`, log))
	n.must("daemon", "reload", "demo", "--yes")
	has("by " + strconv.FormatInt(pid, 10))
	if out := n.must("daemon", "logs", "demo"); !strings.Contains(out, "reload_command: so it says") {
		t.Errorf("its log does not have what the command printed:\n%s", out)
	}
	change(`reload_command = ["/bin/sh", "-c", "echo bad configuration >&2; exit 1"]`)
	if _, errs, code := n.meshos("daemon", "reload", "demo", "--yes"); code != 1 || !strings.Contains(errs, "exit status 1: bad configuration") {
		t.Errorf("a reload that failed: exit %d\n%s", code, errs)
	}
	change("")
	n.until("the node to know it", func(s *meshosv1.Snapshot) bool { return !daemonOf(s, 3).GetReloadable() })
	if _, errs, code := n.meshos("daemon", "reload", "demo", "--yes"); code != 2 || !strings.Contains(errs, "reload_signal nor reload_command") {
		t.Errorf("a reload of one that can't be: exit %d\n%s", code, errs)
	}
	if d := daemonOf(n.status(), 3); d.GetPid() != pid || d.GetOutdated() || d.GetRestarts() != 0 {
		t.Errorf("it was restarted, or should be: %v", d)
	}

	if _, errs, code := n.meshos("daemon", "signal", "demo", "SIGFOO", "--yes"); code != 2 || !strings.Contains(errs, "not a signal") {
		t.Errorf("an unknown signal: exit %d\n%s", code, errs)
	}
	n.must("daemon", "stop", "demo", "--yes")
	n.until("it to stop", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED
	})
	if _, errs, code := n.meshos("daemon", "signal", "demo", "HUP", "--yes"); code == 0 || !strings.Contains(errs, "does not run") {
		t.Errorf("a signal to one that does not run: exit %d\n%s", code, errs)
	}
	n.must("publish", `{"admin":{"signal_daemon":{"node":1,"daemon":{"id":3},"signal":"SIGHUP"}}}`)
	n.until("a failure record", func(s *meshosv1.Snapshot) bool {
		for _, f := range s.GetRecentFailures() {
			if strings.Contains(f.GetReason(), "did not get SIGHUP: it does not run") {
				return true
			}
		}
		return false
	})
}
