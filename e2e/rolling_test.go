package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestARollingRestartWaitsForEachAndStopsAtTheFirstThatIsNotWell(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad")
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 1
name = "web"
command = ["sleep", "1000"]
after = ["worker"]
[[daemon]]
id = 2
name = "worker"
command = ["/bin/sh", "-c", "test -e %s && exit 3; exec sleep 1000"]
requires = ["db"]
restart_initial = "20ms"
restart_crash_loop_threshold = 3
[[daemon]]
id = 3
name = "db"
command = ["sleep", "1000"]
health = { type = "exec", command = ["true"], interval = "50ms" }
[[daemon]]
id = 4
name = "migrate"
command = ["true"]
restart = "never"
[[daemon]]
id = 5
name = "off"
command = ["sleep", "1000"]
run = false
`, bad)).start()
	ready := func(s *meshosv1.Snapshot) bool {
		return runs(s, 1) && runs(s, 2) && runs(s, 3) && daemonOf(s, 4).GetOutcome() == workDone
	}
	before := n.until("all to run", ready)
	if out := n.must("daemon", "restart", "--rolling", "--dry-run"); !strings.Contains(out, "db, worker, web\n") {
		t.Errorf("the order:\n%s", out)
	}
	out := n.must("daemon", "restart", "--rolling", "--yes")
	for _, line := range []string{"1/3 db: well after", "2/3 worker: well after", "3/3 web: well after"} {
		if !strings.Contains(out, line) {
			t.Errorf("it did not say %q:\n%s", line, out)
		}
	}
	after := n.until("all to run again", ready)
	for id := uint64(1); id <= 3; id++ {
		if was, is := daemonOf(before, id), daemonOf(after, id); was.GetPid() == is.GetPid() || is.GetRestarts() != 1 {
			t.Errorf("daemon %d: %d restarts", id, is.GetRestarts())
		}
	}

	if err := os.WriteFile(bad, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := n.meshos("daemon", "restart", "--rolling", "--yes")
	if code != 1 || !strings.Contains(out, "2/3 worker: not well") || !strings.Contains(errs, "worker: crashed 3 times (exit 3)") || !strings.Contains(errs, "not restarted: web") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if pid := daemonOf(n.status(), 1).GetPid(); pid != daemonOf(after, 1).GetPid() {
		t.Error("it went on after the first that is not well")
	}
	for _, args := range [][]string{{"restart"}, {"restart", "web", "--rolling"}, {"restart", "web", "--within", "1s"}, {"restart", "--rolling", "--propose", "x"}} {
		if _, errs, code := n.meshos(append([]string{"daemon"}, args...)...); code != 2 {
			t.Errorf("%v: exit %d\n%s", args, code, errs)
		}
	}
}
