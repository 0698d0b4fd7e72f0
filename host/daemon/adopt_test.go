package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
)

const sleeper = "echo ready; exec sleep 1000"

// left starts daemon 7 under a node that then lets go of it, and returns its record.
func left(t *testing.T, dir, script string) shim.Record {
	t.Helper()
	n := startNodeIn(t, dir, sh(7, script))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.Close()
	rec, err := shim.FolderOf(dir, 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	if testkit.Ended(rec.Process.PID) {
		t.Fatal("the daemon did not outlive its node")
	}
	return rec
}

// rewrite changes a daemon's record, as no shim would.
func rewrite(t *testing.T, dir string, change func(*shim.Record)) {
	t.Helper()
	folder := shim.FolderOf(dir, 7)
	rec, err := folder.Load()
	if err != nil {
		t.Fatal(err)
	}
	change(&rec)
	if err := folder.Store(rec); err != nil {
		t.Fatal(err)
	}
}

func TestAKilledNodesDaemonIsAdoptedAndNoLineIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := killedNode(t, dir, "seq 1 5; echo killme\n"+await("away")+"seq 6 10\ntouch done\n"+await("back")+"seq 11 15; exit 0")
	rec, err := shim.FolderOf(filepath.Join(dir, "daemons"), 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	touch(t, dir, "away")
	testkit.Until(t, "its lines without a node", func() bool { return exists(filepath.Join(dir, "done")) })
	script, err := os.ReadFile(filepath.Join(dir, "script"))
	if err != nil {
		t.Fatal(err)
	}
	n := startNodeIn(t, filepath.Join(dir, "daemons"), sh(7, string(script)))
	n.wait(t, "7 started")
	n.wait(t, "7 3> 10")
	n.wait(t, fmt.Sprintf("7 3> meshos: adopted process %d, which an earlier run of the node started", rec.Process.PID))
	if r := n.Running(); len(r) != 1 || r[0].PID != rec.Process.PID || !r[0].Since.Equal(rec.Started) {
		t.Errorf("running: %+v", r)
	}
	if err := n.Start(t.Context(), ref(7)); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("a second start returned %v", err)
	}
	touch(t, dir, "back")
	n.wait(t, "7 exited")
	var want []string
	for i := range 15 {
		want = append(want, strconv.Itoa(i+1))
	}
	if got := append(printed(taken), printed(n.all())...); !slices.Equal(got, want) {
		t.Errorf("both nodes together published %q", got)
	}
	if got, want := n.life(), []string{"7 started", "7 exited"}; !slices.Equal(got, want) {
		t.Errorf("there came %q, want %q", got, want)
	}
}

func TestAnEndWithoutANodeIsPublishedOnceByTheNextOne(t *testing.T) {
	for name, tc := range map[string]struct{ end, want string }{
		"with a status": {"echo 'no such table' >&2; exit 3", "7 crashed: exit status 3: no such table"},
		"by a signal":   {"kill -SEGV $$", "7 crashed: signal: segmentation fault"},
		"cleanly":       {"exit 0", "7 exited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			killedNode(t, dir, "echo killme\n"+await("away")+"echo last words\n"+tc.end)
			daemons := filepath.Join(dir, "daemons")
			rec, err := shim.FolderOf(daemons, 7).Load()
			if err != nil {
				t.Fatal(err)
			}
			touch(t, dir, "away")
			testkit.Until(t, "the end of its shim", func() bool { return testkit.Ended(rec.Shim.PID) })
			n := startNodeIn(t, daemons, sh(7, "exec sleep 1000"))
			n.start(7) // as reconcile may at once
			n.wait(t, "7 started")
			if got, want := n.life(), []string{tc.want, "7 started"}; !slices.Equal(got, want) {
				t.Errorf("there came %q, want %q", got, want)
			}
			n.wait(t, "7 3> last words")
			n.stop(7, time.Hour)
			testkit.Until(t, "the second end", func() bool { return len(n.life()) == 3 })
			n.Close()
			again := startNodeIn(t, daemons, sh(7, "exit 0"))
			again.Close()
			if got := again.all(); len(got) != 0 {
				t.Errorf("published again: %q", got)
			}
		})
	}
}

func TestAnotherProcessOfThatPidIsNotAdopted(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*shim.Record)
		want   string
	}{
		"started at another time": {
			func(r *shim.Record) { r.Shim.Start++; r.Process.Start++; r.Mark = "another" },
			"7 crashed: its supervising process was killed, and the daemon with it",
		},
		"of another boot":         {func(r *shim.Record) { r.Shim.Boot = "another" }, "7 exited"},
		"of another container":    {func(r *shim.Record) { r.Shim.Namespace = "pid:[1]" }, "7 exited"},
		"of the container before": {func(r *shim.Record) { r.Shim.InitStart++ }, "7 exited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rec := left(t, dir, sleeper)
			t.Cleanup(func() {
				_ = syscall.Kill(rec.Shim.PID, syscall.SIGKILL)
				testkit.Until(t, "the end of the stranger", func() bool { return testkit.Ended(rec.Process.PID) })
			})
			rewrite(t, dir, tc.change)
			n := startNodeIn(t, dir, sh(7, sleeper))
			n.wait(t, tc.want)
			n.stop(7, 0)
			// Whatever the record says, the lock prevents a second one.
			if err := n.Start(t.Context(), ref(7)); err == nil || !strings.Contains(err.Error(), "another process supervises the daemon already") {
				t.Errorf("a start returned %v", err)
			}
			if testkit.Ended(rec.Process.PID) {
				t.Error("a process was hit that is not the daemon's")
			}
		})
	}
}

func TestARemovedDaemonIsStoppedAndItsFolderGoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rec := left(t, dir, sleeper)
	n := startNodeIn(t, dir, sh(8, "exit 0"))
	n.wait(t, "7 exited")
	n.wait(t, "7 3> meshos: stopping: it is no longer in the configuration")
	testkit.Until(t, "the end of its process", func() bool { return testkit.Ended(rec.Process.PID) })
	testkit.Until(t, "the end of its folder", func() bool { return !exists(filepath.Join(dir, "7")) })
}

func TestAFolderWithoutARecordIsRemovedWithItsDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, id := range []string{"7", "07", "8", "notes"} {
		if err := os.Mkdir(filepath.Join(dir, id), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	startNodeIn(t, dir, sh(8, "exit 0"))
	if exists(filepath.Join(dir, "7")) || !exists(filepath.Join(dir, "8")) || !exists(filepath.Join(dir, "07")) || !exists(filepath.Join(dir, "notes")) {
		t.Error("the wrong folders are left")
	}
}

func TestAnAdoptedDaemonThatIgnoresTermIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rec := left(t, dir, stubborn)
	n := startNodeIn(t, dir, sh(7, stubborn))
	n.wait(t, "7 started")
	n.stop(7, 50*time.Millisecond)
	n.wait(t, "7 exited")
	n.wait(t, "7 4> meshos: killed: it did not end when it was asked to")
	if !testkit.Ended(rec.Process.PID) {
		t.Error("it lives")
	}
}

func TestAnAdoptedDaemonKeepsItsCommandAndThatIsLogged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left(t, dir, sleeper)
	n := startNodeIn(t, dir, sh(7, "echo another; exec sleep 1000"))
	n.wait(t, "7 4> meshos: it runs with the configuration that it was started with; *")
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	n.start(7)
	n.wait(t, "7 3> another")
}

func TestAStartOfWhatIsBeingAdoptedSucceeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rec := left(t, dir, sleeper)
	l := newLoop()
	l.waits = func(mesh.Event) bool { return true }
	n := startNodeOn(t, l, dir, sh(7, sleeper))
	short, cancel := contextOf(t, 20*time.Millisecond)
	defer cancel()
	if err := n.Start(short, ref(7)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a start that can't wait for the loop returned %v", err)
	}
	started := make(chan error, 1)
	begun := make(chan struct{})
	go func() { close(begun); started <- n.Start(t.Context(), ref(7)) }()
	<-begun
	select {
	case err := <-started:
		t.Fatalf("reconcile does not know of it, and a start returned %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	n.set(func(l *loop) { l.waits = nil })
	if err := <-started; err != nil {
		t.Errorf("a start of what is being adopted returned %v", err)
	}
	n.wait(t, "7 started")
	if r := n.Running(); len(r) != 1 || r[0].PID != rec.Process.PID {
		t.Errorf("running: %+v", r)
	}
}

func TestADamagedRecordIsReportedAndAStartReplacesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := shim.FolderOf(dir, 7).Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "7", "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := daemon.New(daemon.Options{Dir: dir, Shim: shimCommand(), Events: newLoop()})
	defer m.Close()
	if err := m.Adopt(t.Context()); err == nil || !strings.Contains(err.Error(), "adopt daemon 7: record of the daemon: "+dir) {
		t.Errorf("got %v", err)
	}
	n := &node{Manager: m, loop: newLoop(), t: t}
	n.Configure([]daemon.Spec{sh(7, "exit 0")})
	n.start(7)
	testkit.Until(t, "a good record or none", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "7", "state.json"))
		return err != nil || json.Valid(text)
	})
	testkit.Until(t, "its end", func() bool { return len(n.Running()) == 0 })
}

func TestFiftyRestartsOfTheNodeKeepOneProcessAndEveryLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Many restarts fall between two lines. A daemon that printed more than spool.MaxLines in a
	// window would have some suppressed.
	script := "i=0; echo ready; while :; do i=$((i+1)); echo $i; sleep 0.012; done"
	rec := left(t, dir, script)
	var lines []string
	for range 50 {
		n := startNodeIn(t, dir, sh(7, script))
		n.wait(t, "7 started")
		if r := n.Running(); len(r) != 1 || r[0].PID != rec.Process.PID {
			t.Fatalf("running: %+v", r)
		}
		n.Close()
		lines = append(lines, printed(n.all())...)
	}
	n := startNodeIn(t, dir, sh(7, script))
	n.until(t, "more lines", func() bool { return len(linesOf(n.loop)) > 10 })
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	lines = append(lines, printed(n.all())...)
	first, err := strconv.Atoi(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		if line != strconv.Itoa(first+i) {
			t.Fatalf("line %d is %s, want %d", i, line, first+i)
		}
	}
	if len(lines) < 30 {
		t.Errorf("only %d lines", len(lines))
	}
	if !testkit.Ended(rec.Process.PID) || !testkit.Ended(rec.Shim.PID) {
		t.Error("something is left")
	}
}
