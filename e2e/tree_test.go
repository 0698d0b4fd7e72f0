package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// withChild is a node whose daemon has a child in a session of its own, with no parent. It
// returns the child's pid.
func withChild(t *testing.T, keys, child string, flags ...string) (n *node, pid int) {
	n = prepare(t)
	mark := filepath.Join(n.dir, "child")
	text, _, _ := strings.Cut(shipped(t, n.listen), "[[daemon]]")
	n.write(text + `
[[daemon]]
id = 1
name = "leaver"
` + keys + `
command = ["/bin/sh", "-c", "(setsid sh -c 'echo $$ >` + mark + `; ` + child + `' &) ; exec sleep 1000"]
`)
	n.start(flags...)
	n.until("the daemon", running)
	testkit.Until(t, "the child", func() bool {
		text, _ := os.ReadFile(mark)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	})
	return n, pid
}

// evacuated reports whether a drain is over.
func evacuated(s *meshosv1.Snapshot) bool {
	m := s.GetLocalMaintenance()
	return m.GetCordoned() && !m.GetDraining() && is(s, 1, down)
}

func TestADrainIsOverWhenEverybodyHasEnded(t *testing.T) {
	t.Parallel()
	n, child := withChild(t, `stop_grace = "100ms"`, `trap \"\" TERM; while :; do sleep 0.1; done`)
	n.must("admin", "drain", "--yes")
	n.until("the node drained", func(s *meshosv1.Snapshot) bool {
		over := evacuated(s)
		if over && !testkit.Ended(child) {
			t.Fatal("drained, and its child runs")
		}
		return over
	})
}

func TestADrainDoesNotWaitForWhatMayGoOn(t *testing.T) {
	t.Parallel()
	n, child := withChild(t, `kill_mode = "process"`, "exec sleep 1000")
	n.must("admin", "drain", "--yes")
	s := n.until("the node drained", func(s *meshosv1.Snapshot) bool {
		return evacuated(s) && s.GetDaemons()[0].GetLeftProcesses() == 1
	})
	if testkit.Ended(child) || !strings.Contains(strings.Join(s.GetDaemons()[0].GetNotes(), ""), "1 process that it left goes on") {
		t.Errorf("its child was ended, or is not told of: %v", s.GetDaemons()[0])
	}
	if out := n.must("status"); !strings.Contains(strings.Join(strings.Fields(out), " "), "leaver: 1 process that it left goes on (kill_mode)") {
		t.Errorf("the status:\n%s", out)
	}
	if p, err := os.FindProcess(child); err == nil {
		_ = p.Kill()
	}
}
