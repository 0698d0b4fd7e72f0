package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestWhatWasReadBeforeAStopIsStoredOnceAndWhole(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, `trap 'echo a line; exit 0' TERM; echo first; echo warned >&2; printf 'the beginning of '; sleep 1000 & wait`))
	n.start(7)
	n.wait(t, "7 3> first")
	n.wait(t, "7 4> warned")
	n.stop(7, time.Hour)
	n.wait(t, "7 3> the beginning of a line")
	n.wait(t, "7 exited")
	if got := n.lines(7); len(got) != 3 {
		t.Errorf("its lines are %v", got)
	}
	n.set(func(l *loop) {
		if end, ok := l.events[len(l.events)-1].(mesh.DaemonExited); !ok || end.End.LastLine != "warned" || !end.End.Asked {
			t.Errorf("the last event is %#v", l.events[len(l.events)-1])
		}
	})
}

func TestAShimCollectsWhomItsDaemonLeavesBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, sh(7, `(true & sh -c 'exit 0' & echo started) ; exec sleep 1000`))
	n.start(7)
	n.wait(t, "7 3> started")
	rec, err := shim.FolderOf(dir, 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	children := "/proc/" + strconv.Itoa(rec.Shim.PID) + "/task/" + strconv.Itoa(rec.Shim.PID) + "/children"
	testkit.Until(t, "no child but the daemon", func() bool {
		text, err := os.ReadFile(children)
		return err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(rec.Process.PID)
	})
}

// SIGHUP, SIGINT and SIGQUIT reach a shim from terminals and service managers, and are nothing to it.
func TestAShimIgnoresWhatIsNotForIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, sh(7, sleeper))
	n.start(7)
	n.wait(t, "7 3> ready")
	rec, err := shim.FolderOf(dir, 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGCHLD} {
			if err := syscall.Kill(rec.Shim.PID, sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
}

// A shim executes itself anew once its daemon runs. For a moment neither the old program handles
// signals nor the new one.
func TestAShimIgnoresWhatIsNotForItWhileItBeginsToStandBy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var specs []daemon.Spec
	for id := mesh.DaemonID(1); id <= 8; id++ {
		specs = append(specs, sh(id, sleeper))
	}
	n := startNodeIn(t, dir, specs...)
	for _, s := range specs {
		id := s.Daemon.ID
		ctx, started := context.WithCancel(t.Context())
		var hammering sync.WaitGroup
		hammering.Go(func() {
			var pid int
			for sig := 0; ctx.Err() == nil; sig++ {
				if rec, err := shim.FolderOf(dir, id).Load(); pid == 0 && err == nil && rec.Process.PID != 0 {
					pid = rec.Shim.PID
				}
				if pid > 0 { // it is a child of nobody who would collect it and so free its pid
					_ = syscall.Kill(pid, []syscall.Signal{syscall.SIGHUP, syscall.SIGINT}[sig%2])
				}
			}
		})
		n.start(id)
		n.wait(t, fmt.Sprintf("%d 3> ready", id))
		started()
		hammering.Wait()
	}
	for _, s := range specs {
		n.stop(s.Daemon.ID, time.Hour)
		n.wait(t, fmt.Sprintf("%d exited", s.Daemon.ID))
	}
}

// A shim that waits is to take no more than a small Go program: there is one for each daemon.
// The limit has room for what another version of Go takes.
func TestAWaitingShimTakesLittleMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "meshos-shim")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", binary, "../../cmd/meshos-shim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const limit = 700 // kB; on a busy machine a Go program has some threads more
	l, spawner := newLoop(), process.NewSpawner()
	defer spawner.Close()
	m := daemon.New(daemon.Options{Dir: filepath.Join(dir, "daemons"), Shim: []string{binary, "daemon-shim"}, Events: l, Spawner: spawner})
	defer m.Close()
	defer func() {
		if err := m.StopAll(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	lines := `i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; `
	m.Configure([]daemon.Spec{sh(7, "exec sleep 1000"), sh(8, lines+"echo last; exec sleep 1000")})
	for _, id := range []mesh.DaemonID{7, 8} {
		if err := m.Start(t.Context(), ref(id)); err != nil {
			t.Fatal(err)
		}
	}
	l.wait(t, "7 started")
	l.wait(t, "8 3> last")
	for _, id := range []mesh.DaemonID{7, 8} {
		rec, err := shim.FolderOf(filepath.Join(dir, "daemons"), id).Load()
		if err != nil {
			t.Fatal(err)
		}
		kb := 0 // more for a moment, until the shim stands by
		testkit.UntilWithin(t, testkit.Patience, func() string {
			return fmt.Sprintf("the shim of daemon %d has %d kB of its own, which are to be at most %d", id, kb, limit)
		}, func() bool {
			kb = privateDirty(t, rec.Shim.PID)
			return kb > 0 && kb <= limit
		})
	}
}

// privateDirty returns how much memory of a process is its own and no file's, in kB.
func privateDirty(t *testing.T, pid int) (kb int) {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Private_Dirty:"); ok {
			kb, _ = strconv.Atoi(strings.Fields(value)[0])
		}
	}
	return kb
}

// What is printed after somebody removed or moved the file of the output is to be found, and is not
// read twice or lost by a node.
func TestAShimLeavesAFileThatSomebodyRemovedOrMoved(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(path string) error{
		"removed":          os.Remove,
		"moved":            func(path string) error { return os.Rename(path, path+".1") },
		"the whole folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := startNodeIn(t, dir, sh(7, `trap 'i=$((i+1)); echo after $i' HUP; i=0; echo ready; while :; do sleep 1000 & wait; kill $!; done`))
			n.start(7)
			n.wait(t, "7 3> ready")
			rec, err := shim.FolderOf(dir, 7).Load()
			if err != nil {
				t.Fatal(err)
			}
			output := shim.FolderOf(dir, 7).Output()
			segments := func() []string {
				paths, err := filepath.Glob(filepath.Join(output, "out.*.log"))
				if err != nil {
					t.Fatal(err)
				}
				return paths
			}
			for i, line := range []string{"after 1", "after 2"} { // by one that stands by, and by a whole one
				before := segments()
				if err := remove(before[len(before)-1]); err != nil {
					t.Fatal(err)
				}
				if err := syscall.Kill(rec.Process.PID, syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
				n.wait(t, "7 3> "+line)
				found := false
				for _, path := range segments() {
					text, err := os.ReadFile(path)
					found = found || err == nil && strings.HasSuffix(string(text), line+"\n")
				}
				if !found {
					t.Errorf("%q is not in %v", line, segments())
				}
				if got := n.lines(7); len(got) != 2+i {
					t.Errorf("its lines are %v", got)
				}
			}
		})
	}
}
