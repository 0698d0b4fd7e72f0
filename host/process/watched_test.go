package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func watched(t *testing.T, dir string) *process.Spawner {
	t.Helper()
	s, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(dir, "processes.json"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAWatchedProcessIsAsAnyOther(t *testing.T) {
	dir := t.TempDir()
	s := watched(t, dir)
	for _, c := range []struct {
		script, want string
		clean        bool
	}{
		{"exit 0", "exit status 0", true},
		{"exit 2", "exit status 2", false},
		{"kill -TERM $$", "signal: terminated", false},
	} {
		got := exit(t, sh(t, s, c.script))
		if got.String() != c.want || got.Clean() != c.clean || got.MaxRSSBytes < 100<<10 {
			t.Errorf("%q ended with %+v", c.script, got)
		}
	}
	p := sh(t, s, "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.01; done")
	if _, err := p.Stdout().Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if got := p.Stop(context.Background(), syscall.SIGTERM, time.Minute); got.Code != 7 {
		t.Errorf("stopped with %v", got)
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal after the end: %v", err)
	}
	start := (*process.StartError)(nil)
	if _, err := s.Start(t.Context(), process.Spec{Path: dir + "/none"}); !errors.As(err, &start) || start.Cause != process.CauseNotFound {
		t.Errorf("no program: %v", err)
	}
	out, end := run(t, s, process.Spec{Path: "/bin/echo", Args: []string{"copied"}, Program: load(t, s, "/bin/echo")})
	if out != "copied\n" || !end.Clean() {
		t.Errorf("%q, %v", out, end)
	}
	dies := sh(t, s, "exec sleep 1000")
	s.Close()
	if got := exit(t, dies); got.Signal != syscall.SIGKILL {
		t.Errorf("ended by Close with %v", got)
	}
	if _, err := s.Start(t.Context(), process.Spec{Path: "/bin/true"}); !errors.Is(err, process.ErrSpawnerClosed) {
		t.Errorf("start after Close: %v", err)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestManyWatchedStartsAtOnce(t *testing.T) {
	s := watched(t, t.TempDir())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if out, end := run(t, s, process.Spec{Path: "/bin/echo", Args: []string{"x"}}); out != "x\n" || !end.Clean() {
				t.Errorf("%q, %v", out, end)
			}
		})
	}
	wg.Wait()
}

func TestTheEndOfAProcessEndsItsWholeSession(t *testing.T) {
	s := watched(t, t.TempDir())
	// With set -m each job has a group of its own; the second is an orphan at once.
	p := sh(t, s, "set -m; sleep 1000 & echo $!; (sleep 1000 & echo $!); exit 3")
	text, err := io.ReadAll(p.Stdout())
	if err != nil && !errors.Is(err, os.ErrClosed) {
		t.Fatal(err)
	}
	if e := exit(t, p); e.Code != 3 {
		t.Errorf("ended with %v", e)
	}
	for _, field := range strings.Fields(string(text)) {
		pid, _ := strconv.Atoi(field)
		waitGone(t, pid)
	}
}

// plugin is a script that has children of all sorts, and prints their pids and its own: in its
// group, in a session of its own, daemonized, and one without a death signal.
const plugin = `
trap '' TERM
sleep 1000 & echo $!
setsid sh -c 'echo $$; exec sleep 1000' &
(setsid sh -c 'echo $$; exec sleep 1000' &)
python3 -c '
import ctypes, os, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
print(os.getpid(), flush=True)
time.sleep(1000)' &
echo $$
while :; do sleep 1; done`

const pluginPids = 5

// hostUntilKilled starts a plugin and prints what runs. The test's binary does this instead of
// testing when it plays the host.
func hostUntilKilled(dir string) {
	s, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(dir, "processes.json"), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		panic(err)
	}
	p, err := s.Start(context.Background(), process.Spec{Path: "/bin/sh", Args: []string{"-c", plugin}, Env: []string{"PATH=/usr/bin:/bin"}, Lasting: true})
	if err != nil {
		panic(err)
	}
	go func() {
		<-p.Done()
		fmt.Println("ended", p.Exit())
	}()
	_, _ = io.Copy(os.Stdout, p.Stdout())
	select {}
}

// host is a process that has a plugin.
type host struct {
	cmd  *exec.Cmd
	pids []int // of the plugin and its children
}

func startHost(t *testing.T, dir string) *host {
	t.Helper()
	h := &host{cmd: exec.Command("/proc/self/exe")}
	h.cmd.Env = append(os.Environ(), "PROCESS_TEST_HOST="+dir)
	h.cmd.Stderr = t.Output()
	h.cmd.WaitDelay = time.Second
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.kill()
		for _, pid := range h.pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	late := time.AfterFunc(testkit.Patience, func() { _ = h.cmd.Process.Kill() })
	defer late.Stop()
	for lines := bufio.NewScanner(out); len(h.pids) < pluginPids && lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the host says %q", lines.Text())
		}
		h.pids = append(h.pids, pid)
	}
	if len(h.pids) < pluginPids {
		t.Fatalf("only %v run", h.pids)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return h
}

func (h *host) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// watcher returns the pid of the host's watcher, other than one.
func (h *host) watcher(t *testing.T, other int) (pid int) {
	t.Helper()
	testkit.Until(t, "a watcher", func() bool {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", h.cmd.Process.Pid))
		for _, name := range lists {
			text, _ := os.ReadFile(name)
			for _, field := range strings.Fields(string(text)) {
				comm, _ := os.ReadFile("/proc/" + field + "/comm")
				if n, _ := strconv.Atoi(field); n != other && string(comm) == "process-watcher\n" {
					pid = n
				}
			}
		}
		return pid != 0
	})
	return pid
}

func (h *host) waitGone(t *testing.T) {
	t.Helper()
	for _, pid := range h.pids {
		waitGone(t, pid)
	}
}

func (h *host) checkAlive(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if testkit.Ended(pid) {
			t.Errorf("process %d of %v is gone", pid, h.pids)
		}
	}
}

func TestP7_NothingOfAPluginOutlivesAKilledHost(t *testing.T) {
	t.Parallel()
	h := startHost(t, t.TempDir())
	watcher := h.watcher(t, 0)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGTSTP} {
		_ = syscall.Kill(watcher, sig) // it does not do that
	}
	h.checkAlive(t, h.pids...)
	h.kill()
	h.waitGone(t)
	waitGone(t, watcher)
}

func TestAKilledWatcherIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startHost(t, dir)
	first := h.watcher(t, 0)
	h.awaitOrphan(t, dir)
	_ = syscall.Kill(first, syscall.SIGKILL)
	second := h.watcher(t, first)
	h.checkAlive(t, h.pids...)
	h.kill()
	h.waitGone(t)
	waitGone(t, second)
}

// awaitOrphan waits until the child that has left both its parent and its session is known.
func (h *host) awaitOrphan(t *testing.T, dir string) {
	t.Helper()
	testkit.Until(t, "the orphan in the record", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "processes.json"))
		return strings.Contains(string(text), `"orphans":[{`)
	})
}

func TestWhatHostAndWatcherLeaveTheNextStartEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startHost(t, dir)
	watcher := h.watcher(t, 0)
	h.awaitOrphan(t, dir)
	_ = syscall.Kill(watcher, syscall.SIGSTOP) // it can't do anything before it is killed as well
	h.kill()
	_ = syscall.Kill(watcher, syscall.SIGKILL)
	waitGone(t, watcher)
	watched(t, dir)
	h.waitGone(t)
}

func TestAStoppedWatcherIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := watched(t, dir)
	watcher, err := strconv.Atoi(strings.Fields(watcherOf(t, dir))[0])
	if err != nil {
		t.Fatal(err)
	}
	lasting := sh(t, s, "exec sleep 1000", func(spec *process.Spec) { spec.Lasting = true })
	_ = syscall.Kill(watcher, syscall.SIGSTOP)
	if _, err := s.Start(t.Context(), process.Spec{Path: "/bin/true"}); err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("a start gave %v", err)
	}
	if e := exit(t, sh(t, s, "exit 3")); e.Code != 3 {
		t.Errorf("ended with %v", e)
	}
	if e := lasting.Stop(context.Background(), syscall.SIGTERM, time.Minute); !e.Unreported || e.Clean() {
		t.Errorf("what the first watcher had started ended with %v", e)
	}
}

// watcherOf reads the watcher's pid from a record.
func watcherOf(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "processes.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `"watcher":{"pid":`)
	pid, _, _ := strings.Cut(rest, ",")
	return pid
}
