package process_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestExit(t *testing.T) {
	s := spawner(t)
	for _, c := range []struct {
		script, want string
		clean        bool
	}{
		{"exit 0", "exit status 0", true},
		{"exit 2", "exit status 2", false},
		{"kill -9 $$", "signal: killed", false},
		{"kill -TERM $$", "signal: terminated", false},
	} {
		got := exit(t, sh(t, s, c.script))
		if got.String() != c.want || got.Clean() != c.clean {
			t.Errorf("%q ended with %q, clean %v; want %q, %v", c.script, got, got.Clean(), c.want, c.clean)
		}
		if got.MaxRSSBytes < 100<<10 || got.MaxRSSBytes > 1<<30 {
			t.Errorf("%q: resident size %d", c.script, got.MaxRSSBytes)
		}
	}
}

func TestExitBeforeDoneIsUnknown(t *testing.T) {
	p := sh(t, spawner(t), "exec sleep 60")
	if e := p.Exit(); e.Clean() || e.Code != -1 {
		t.Errorf("a running process has %v", e)
	}
	p.Stop(context.Background(), syscall.SIGKILL, 0)
}

func TestChildGetsOnlyWhatTheSpecNames(t *testing.T) {
	// A descriptor without close-on-exec, as a careless parent hands it down.
	fd, err := syscall.Dup(1)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	t.Setenv("SECRET", "of the host")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()

	dir := t.TempDir()
	p := sh(t, spawner(t), "env; pwd; ls /proc/self/fd; cat; echo extra >&3", func(spec *process.Spec) {
		spec.Env = []string{"PATH=/usr/bin:/bin", "GIVEN=yes"}
		spec.Dir = dir
		spec.ExtraFiles = []*os.File{w}
	})
	out, err := io.ReadAll(p.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	exit(t, p)
	text := string(out)
	for _, want := range []string{"GIVEN=yes\n", dir + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if strings.Contains(text, "SECRET") {
		t.Errorf("the host's environment leaked: %q", text)
	}
	// 0 1 2, 3 for the extra file, 4 is what ls itself opened.
	if !strings.HasSuffix(text, "0\n1\n2\n3\n4\n") {
		t.Errorf("descriptors leaked: %q", text)
	}
	buf := make([]byte, 16)
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "extra\n" {
		t.Errorf("the extra file got %q, %v", buf[:n], err)
	}
}

func TestSignalReachesTheWholeGroupAndNobodyAfterTheEnd(t *testing.T) {
	p := sh(t, spawner(t), "sleep 60 & echo $!; wait")
	child := firstPid(t, p)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := exit(t, p); e.Signal != syscall.SIGTERM {
		t.Errorf("ended with %v", e)
	}
	waitGone(t, child)
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestEndOfTheLeaderEndsItsGroup(t *testing.T) {
	p := sh(t, spawner(t), "sleep 60 & echo $!")
	child := firstPid(t, p)
	if e := exit(t, p); !e.Clean() {
		t.Errorf("ended with %v", e)
	}
	waitGone(t, child)
}

func TestGrandchildThatHoldsThePipesDelaysNothing(t *testing.T) {
	dir := t.TempDir()
	p := sh(t, spawner(t), "setsid sh -c 'echo $$; touch up; exec sleep 60' & until [ -e up ]; do sleep 0.01; done",
		func(spec *process.Spec) { spec.Dir = dir })
	child := firstPid(t, p)
	defer syscall.Kill(child, syscall.SIGKILL)
	ended := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(p.Stderr())
		select {
		case <-p.Done():
		default:
			t.Error("its pipes ended before its exit was seen")
		}
		ended <- err
	}()
	exit(t, p)
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("stderr ended with %v, want the end of a grace", err)
	}
}

// There is always something to read, so the end must come by itself.
func TestOfAGrandchildThatPrintsForEverOnlyTheBeginningIsRead(t *testing.T) {
	s := process.NewSpawner()
	// It ends once the child has left its group, which is killed with it.
	p := sh(t, s, "trap 'exit 0' USR1; setsid sh -c 'echo $$ >&2; kill -USR1 $0; exec yes 2>/dev/null' $$ & wait")
	exit(t, p)
	s.Close() // it waits for the pipes' grace
	text, err := io.ReadAll(p.Stderr())
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(child, syscall.SIGKILL)
	const most = 1 << 20 // a pipe holds no more, however large the machine's pages are
	n, err := io.Copy(io.Discard, io.LimitReader(iotest.OneByteReader(p.Stdout()), 2*most))
	if n == 0 || n > most || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	waitGone(t, child) // nobody reads, so it can't print any more
}

func TestWhatWasPrintedBeforeTheEndCanBeReadLate(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"nobody else holds the pipe": {"printf 'last words'", "last words"},
		"a grandchild holds it":      {"setsid sleep 1000 2>&1 & echo $! >&2; printf 'last words'", "last words"},
		"there is nothing":           {"setsid sleep 1000 2>&1 & echo $! >&2", ""},
		"more than one read":         {"head -c 20000 /dev/zero | tr '\\0' x", strings.Repeat("x", 20000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.NewSpawner()
			p := sh(t, s, c.script)
			exit(t, p)
			s.Close() // it waits for the pipes' grace
			if text, err := io.ReadAll(p.Stderr()); err == nil && len(text) > 0 {
				pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
				defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
			}
			text, err := io.ReadAll(p.Stdout())
			if string(text) != c.want || err != nil && !errors.Is(err, os.ErrClosed) {
				t.Errorf("read %d bytes %.20q, %v", len(text), text, err)
			}
			if _, err := p.Stdout().Read(make([]byte, 1)); err == nil {
				t.Error("it does not end")
			}
		})
	}
}

func TestStop(t *testing.T) {
	s := spawner(t)
	for _, c := range []struct {
		name, script string
		grace        time.Duration
		want         string
	}{
		{"obeys", "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done", time.Hour, "exit status 7"},
		{"ignores", "trap '' TERM; echo up; while :; do sleep 0.01; done", 50 * time.Millisecond, "signal: killed"},
		{"stopped", "echo up; kill -STOP $$; sleep 300", time.Hour, "signal: terminated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := sh(t, s, c.script)
			if _, err := p.Stdout().Read(make([]byte, 8)); err != nil {
				t.Fatal(err)
			}
			if got := p.Stop(context.Background(), syscall.SIGTERM, c.grace); got.String() != c.want {
				t.Errorf("stopped with %q, want %q", got, c.want)
			}
			if again := p.Stop(context.Background(), syscall.SIGTERM, time.Hour); again.String() != c.want {
				t.Errorf("a second stop says %q", again)
			}
		})
	}
}

func TestStopKillsAtOnceWhenTheContextEnds(t *testing.T) {
	p := sh(t, spawner(t), "trap '' TERM; echo up; while :; do sleep 0.01; done")
	if _, err := p.Stdout().Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if got := p.Stop(ctx, syscall.SIGTERM, time.Hour); got.Signal != syscall.SIGKILL {
		t.Errorf("stopped with %v", got)
	}
}

// firstPid reads the process id that a script prints first.
func firstPid(t *testing.T, p *process.Process) int {
	t.Helper()
	buf := make([]byte, 32)
	n, err := p.Stdout().Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// waitGone waits until a process is gone, or only a zombie that nobody reaps.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	testkit.Until(t, fmt.Sprintf("the end of process %d", pid), func() bool { return testkit.Ended(pid) })
}
