package process_test

import (
	"bufio"
	"strconv"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

// A double fork with a session of its own: its parent has ended before the process does.
const leaver = "(setsid sh -c 'setsid sleep 1000 & echo $!' &); sleep 1000"

func TestTheEndOfAProcessEndsWhoLeftItsSession(t *testing.T) {
	s := watched(t, t.TempDir())
	stays, leaves := sh(t, s, leaver), sh(t, s, leaver)
	staying, leaving := pidFrom(t, stays), pidFrom(t, leaves)
	testkit.Until(t, "a session of its own", func() bool { return session(leaving) == leaving && session(staying) == staying })
	_ = leaves.Signal(9)
	exit(t, leaves)
	waitGone(t, leaving)
	if testkit.Ended(staying) {
		t.Error("the child of another process was ended with it")
	}
	_ = stays.Signal(9)
	exit(t, stays)
	waitGone(t, staying)
}

func TestEveryProcessHasAMarkOfItsOwn(t *testing.T) {
	s := spawner(t)
	seen := make(map[string]bool)
	for range 3 {
		out, _ := run(t, s, process.Spec{Path: "/usr/bin/env"})
		_, mark, ok := strings.Cut(out, process.MarkVariable+"=")
		if !ok || seen[mark] {
			t.Errorf("its environment: %q", out)
		}
		seen[mark] = true
	}
}

// pidFrom reads a pid that a process prints.
func pidFrom(t *testing.T, p *process.Process) int {
	t.Helper()
	line, err := bufio.NewReader(p.Stdout()).ReadString('\n')
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid == 0 {
		t.Fatalf("no pid: %q, %v", line, err)
	}
	return pid
}

// session returns the session of a process; 0 if it is gone.
func session(pid int) int {
	ancestors, err := process.Ancestry(pid)
	if err != nil {
		return 0
	}
	return ancestors[0].Session
}
