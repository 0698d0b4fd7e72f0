package process_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/hangfs"
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

// executing starts a process whose child, in a session of its own, executes a program and hangs in
// that until the file system lets go. Its environment can't be read meanwhile: nothing shows any
// more what it was started by.
func executing(t *testing.T, s *process.Spawner, fs *hangfs.FS, more ...string) (p *process.Process, child int) {
	t.Helper()
	program := filepath.Join(fs.Dir, "program")
	testkit.ProgramCopy(t, "/proc/self/exe", filepath.Join(fs.Behind, "program"))
	fs.HangFrom(1 << 20)
	p = sh(t, s, "(setsid "+program+" & echo $!); sleep 1000", func(spec *process.Spec) {
		spec.Env = append(append(spec.Env, "PROCESS_TEST_SLEEPS=1"), more...)
	})
	child = pidFrom(t, p)
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
	testkit.Until(t, "an execution that hangs", func() bool {
		environment, err := os.ReadFile("/proc/" + strconv.Itoa(child) + "/environ")
		return fs.Waiting() > 0 && err == nil && len(environment) == 0 && session(child) == child
	})
	return p, child
}

func TestTheEndOfAProcessEndsWhoIsBeingExecuted(t *testing.T) {
	s, fs := watched(t, t.TempDir()), hangfs.Mount(t)
	leaves, child := executing(t, s, fs)
	_ = leaves.Signal(9)
	exit(t, leaves)
	exit(t, sh(t, s, "exit 0")) // the watcher has looked what is left
	fs.LetGo()
	waitGone(t, child)
}

func TestMarkedWaitsForWhoIsBeingExecuted(t *testing.T) {
	s, fs := spawner(t), hangfs.Mount(t)
	mark := process.NewMark()
	_, child := executing(t, s, fs, process.MarkVariable+"="+mark)
	found := make(chan []process.Identity, 1)
	go func() { found <- process.Marked(mark) }()
	select {
	case ids := <-found:
		t.Errorf("at once: %v", ids)
		return
	case <-time.After(50 * time.Millisecond):
	}
	fs.LetGo()
	if ids := <-found; !slices.ContainsFunc(ids, func(id process.Identity) bool { return id.PID == child }) {
		t.Errorf("without process %d: %v", child, ids)
	}
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
