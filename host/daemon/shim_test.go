package daemon_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestAKilledShimTakesItsDaemonWithIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, sh(7, "sleep 1000 & echo $!; wait"))
	n.start(7)
	n.until(t, "a pid", func() bool { return len(linesOf(n.loop)) > 0 })
	grandchild, pid := n.lines(7)[0].Message, n.Running()[0].PID
	rec, err := shim.FolderOf(dir, 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(rec.Shim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 crashed: its supervising process was killed, and the daemon with it")
	for _, p := range []string{strconv.Itoa(pid), grandchild} {
		testkit.Until(t, "the end of process "+p, func() bool { return gone(p) })
	}
	n.start(7) // and it can be started again
}

// Its parent is whoever collects orphans here, early, late or never.
func TestAKilledShimThatIsNobodysChildTakesItsDaemonsChildrenWithIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := killedNode(t, dir, "trap '' TERM; sleep 1000 & echo $!; echo killme; wait; sleep 1000")
	grandchild := printed(taken)[0]
	n := startNodeIn(t, filepath.Join(dir, "daemons"), sh(7, "exit 0"))
	n.wait(t, "7 started")
	rec, err := shim.FolderOf(filepath.Join(dir, "daemons"), 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(rec.Shim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 crashed: its supervising process was killed, and the daemon with it")
	testkit.Until(t, "the end of process "+grandchild, func() bool { return gone(grandchild) })
}

func TestAStoppedShimDoesNotKeepADaemonFromStopping(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, sh(7, sleeper))
	n.start(7)
	n.wait(t, "7 3> ready")
	rec, err := shim.FolderOf(dir, 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(rec.Shim.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
}

func TestADaemonThatNoNodeKnowsIsEnded(t *testing.T) {
	t.Parallel()
	folder := shim.FolderOf(t.TempDir(), 7)
	if err := folder.Make(); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	requestR, requestW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reportR, reportW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reportR.Close() // the node was killed
	h, err := process.StartDetached(process.Spec{
		Path: "/proc/self/exe", Args: []string{"daemon-shim", string(folder)}, ExtraFiles: []*os.File{requestR, reportW},
	}, "meshos")
	_, _ = requestR.Close(), reportW.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	_, err = requestW.WriteString(`{"id":7,"path":"/bin/sh","args":["-c","echo $$ > ` + mark + `; exec sleep 1000"],"env":["PATH=/usr/bin:/bin"]}`)
	_ = requestW.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pid, err := os.ReadFile(mark); err == nil && !gone(strings.TrimSpace(string(pid))) {
		t.Error("the daemon lives")
	}
	if _, err := folder.Load(); err == nil {
		t.Error("there is a record of it")
	}
	if text, _ := os.ReadFile(folder.Log()); !strings.Contains(string(text), "the node that requested the daemon is gone") {
		t.Errorf("its log says %q", text)
	}
}

func TestAShimThatIsStartedByHandRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := contextOf(t, patience)
	defer cancel()
	command := append(shimCommand(), dir)
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if want := "meshos: daemon-shim is started by a node only\n"; err == nil || string(out) != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("it left %v", entries)
	}
}

func TestStartWaitsOnlyAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := daemon.New(daemon.Options{Dir: dir, Shim: []string{"/bin/sh", "-c", "exec sleep 1000"}, Events: newLoop()})
	defer m.Close()
	m.Configure([]daemon.Spec{sh(7, "exit 0")})
	ctx, cancel := contextOf(t, 50*time.Millisecond)
	defer cancel()
	if err := m.Start(ctx, ref(7)); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("a shim that says nothing gave %v", err)
	}
	m2 := daemon.New(daemon.Options{Dir: dir, Shim: []string{"/bin/true"}, Events: newLoop()})
	defer m2.Close()
	m2.Configure([]daemon.Spec{sh(7, "exit 0")})
	if err := m2.Start(t.Context(), ref(7)); err == nil || !strings.Contains(err.Error(), "ended at once; see "+dir) {
		t.Errorf("a shim that ends gave %v", err)
	}
}

func TestAStartThatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	// Its answer goes nowhere, but the pipe stays open as its stdout, which no program closes.
	mute := append([]string{"/bin/sh", "-c", `exec "$@" >&4 4>/dev/null`, "sh"}, shimCommand()...)
	m := daemon.New(daemon.Options{Dir: dir, Shim: mute, Events: newLoop()})
	defer m.Close()
	m.Configure([]daemon.Spec{sh(7, "sleep 1000 & echo $! > "+pid+".new; mv "+pid+".new "+pid+"; wait")})
	ctx, cancel := contextOf(t, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx, ref(7)) }()
	record := filepath.Join(dir, "7", "state.json")
	testkit.Until(t, "the daemon", func() bool { return exists(pid) && exists(record) })
	cancel()
	if err := <-ended; err == nil {
		t.Error("a shim that does not answer is no error")
	}
	child, _ := os.ReadFile(pid)
	testkit.Until(t, "the end of its child", func() bool { return gone(strings.TrimSpace(string(child))) })
	if _, err := shim.FolderOf(dir, 7).Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its record: %v", err)
	}
}

func BenchmarkStart(b *testing.B) {
	spawner, l := process.NewSpawner(), newLoop()
	defer spawner.Close()
	m := daemon.New(daemon.Options{Dir: b.TempDir(), Shim: shimCommand(), Spawner: spawner, Events: l})
	defer m.Close()
	m.Configure([]daemon.Spec{sh(7, "exit 0")})
	for b.Loop() {
		if err := m.Start(b.Context(), ref(7)); err != nil {
			b.Fatal(err)
		}
		for len(m.Running()) > 0 {
			runtime.Gosched() // the next start is of the next process
		}
	}
	if err := m.StopAll(b.Context()); err != nil {
		b.Fatal(err)
	}
}
