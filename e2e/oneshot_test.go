package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	workDone   = meshosv1.DaemonView_OUTCOME_DONE
	workFailed = meshosv1.DaemonView_OUTCOME_FAILED
)

// ended returns a condition that daemon 3 has finished like this.
func ended(how meshosv1.DaemonView_Outcome) func(*meshosv1.Snapshot) bool {
	return func(s *meshosv1.Snapshot) bool { return s.GetTick() > 2 && daemonOf(s, 3).GetOutcome() == how }
}

// lines returns how many lines a file has.
func lines(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

func TestAOneShotRunsOnceOverAllRestartsOfTheNode(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	section := func(more string) string {
		return fmt.Sprintf("[[daemon]]\nid = 3\nname = \"migrate\"\nrestart = \"never\"\ncommand = [\"/bin/sh\", \"-c\", \"echo ran >>%s; %s\"]\n", log, more)
	}
	n := withDaemons(t, section("true")).start()
	n.until("it to be done", ended(workDone))
	for _, command := range []string{"daemon list", "status", "explain daemon migrate"} {
		if out := n.must(strings.Fields(command)...); !strings.Contains(out, "done") {
			t.Errorf("%s does not say that it is done:\n%s", command, out)
		}
	}
	if out := n.must("health"); !strings.Contains(out, "All is well") {
		t.Errorf("one that is done counts as ill: %s", out)
	}
	n.end()
	n.start()
	n.until("it to be done after an orderly restart", ended(workDone))
	n.kill()
	n.start()
	n.until("it to be done after a kill", ended(workDone))
	if got := lines(t, log); got != 1 {
		t.Errorf("it ran %d times over three runs of the node", got)
	}

	n.must("daemon", "start", "migrate", "--yes")
	n.until("it to run again by command", func(*meshosv1.Snapshot) bool { return lines(t, log) == 2 })
	n.until("it to be done again", ended(workDone))
	n.must("daemon", "restart", "migrate", "--yes")
	n.until("it to run again by a restart", func(*meshosv1.Snapshot) bool { return lines(t, log) == 3 })
	n.until("it to be done again", ended(workDone))

	n.write("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\n" + section("echo next"))
	n.hangUp()
	n.until("another command to run", func(*meshosv1.Snapshot) bool { return lines(t, log) == 4 })
	n.until("it to be done", ended(workDone))
}

func TestAOneShotThatEndsWhileTheNodeIsAwayIsDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, release, over := filepath.Join(dir, "log"), filepath.Join(dir, "release"), filepath.Join(dir, "over")
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
restart = "on-failure"
command = ["/bin/sh", "-c", "echo ran >>%s; while ! test -e %s; do sleep 0.02; done; touch %s"]
`, log, release, over)).start()
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	n.end()
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(n.dir, "var", "daemons", "3", "state.json")
	testkit.Until(t, "its end to be recorded", func() bool {
		text, _ := os.ReadFile(record)
		return strings.Contains(string(text), `"end"`)
	})
	n.start()
	n.until("it to be done", ended(workDone))
	if got := lines(t, log); got != 1 {
		t.Errorf("it ran %d times", got)
	}
}

func TestAFailedOneShotSaysSoAndStays(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"migrate\"\nrestart = \"never\"\ncommand = [\"/bin/sh\", \"-c\", \"echo no such table >&2; exit 3\"]\n").start()
	check := func() {
		t.Helper()
		n.until("it to have failed", ended(workFailed))
		for _, command := range []string{"status", "daemon list"} {
			if out := n.must(strings.Fields(command)...); !strings.Contains(out, `failed (exit 3: "no such table")`) || !strings.Contains(strings.Join(strings.Fields(out), " "), "meshos daemon start migrate") {
				t.Errorf("%s does not say what to do:\n%s", command, out)
			}
		}
		if out, _, code := n.meshos("health"); code != 1 || !strings.Contains(out, "1 daemon failed") {
			t.Errorf("health: exit %d\n%s", code, out)
		}
	}
	check()
	n.end()
	n.start()
	check()
	if d := daemonOf(n.status(), 3); d.GetRestarts() != 0 || d.GetCrashes() != 0 || d.GetLastExit().GetCode() != 3 {
		t.Errorf("after a restart of the node: %v", d)
	}
}

func TestOnFailureRunsUntilItSucceeds(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
restart = "on-failure"
restart_initial = "20ms"
command = ["/bin/sh", "-c", "echo ran >>%[1]s; test $(wc -l <%[1]s) = 3"]
`, log)).start()
	n.until("it to be done", ended(workDone))
	if got := lines(t, log); got != 3 {
		t.Errorf("it ran %d times", got)
	}
}

// A stop that the node ordered is no end of the work.
func TestAOneShotThatWasStoppedGoesOnLater(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nrestart = \"never\"\ncommand = [\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; while :; do sleep 0.02; done\"]\n").start()
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	n.must("admin", "drain", "--yes")
	n.until("the drain to be over", func(s *meshosv1.Snapshot) bool { return !s.GetLocalMaintenance().GetDraining() && !runs(s, 3) })
	n.must("admin", "uncordon", "--yes")
	n.until("it to run again", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
}
