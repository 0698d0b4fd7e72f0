package daemon_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
)

func TestHowADaemonEnds(t *testing.T) {
	for name, tc := range map[string]struct{ script, want string }{
		"cleanly":                 {"exit 0", "7 exited"},
		"with a status":           {"exit 3", "7 crashed: exit status 3"},
		"with a last word":        {"echo one >&2; echo 'no such table' >&2; echo >&2; echo bye; exit 2", "7 crashed: exit status 2: no such table"},
		"by a signal":             {"kill -SEGV $$", "7 crashed: signal: segmentation fault"},
		"killed by someone":       {"kill -KILL $$", "7 crashed: signal: killed"},
		"with a very long word":   {"printf '%0300d' 0 >&2; exit 1", "7 crashed: exit status 1: " + strings.Repeat("0", 256) + " …"},
		"asked by somebody else":  {"kill -TERM $$", "7 crashed: signal: terminated"},
		"leaving a child behind":  {"sleep 1000 & exit 0", "7 exited"},
		"with a child in the way": {"(setsid sleep 5 >&2 &) ; exit 4", "7 crashed: exit status 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, sh(7, tc.script))
			n.start(7)
			n.wait(t, tc.want)
			if got, want := n.life(), []string{"7 started", tc.want}; !slices.Equal(got, want) {
				t.Errorf("there came %q, want %q", got, want)
			}
			if left := n.Running(); len(left) != 0 {
				t.Errorf("it is still listed as running: %v", left)
			}
		})
	}
}

func TestEventsTellTheProcessAndItsEnd(t *testing.T) {
	t.Parallel()
	spec := sh(7, "echo \"no such table\" >&2; exit 3")
	n := startNode(t, spec, sh(8, "kill -SEGV $$"))
	begun := time.Now()
	n.start(7)
	n.start(8)
	n.wait(t, "7 crashed: exit status 3: no such table")
	n.wait(t, "8 crashed: *")
	var events []mesh.Event
	n.set(func(l *loop) { events = slices.Clone(l.events) })
	for _, ev := range events {
		switch ev := ev.(type) {
		case mesh.DaemonStarted:
			if ev.PID <= 1 || len(ev.Config) != 64 {
				t.Errorf("started with pid %d, configuration %q", ev.PID, ev.Config)
			}
		case mesh.DaemonCrashed:
			want := map[mesh.DaemonID]string{7: `exit 3: "no such table"`, 8: "signal SIGSEGV"}[ev.Daemon.ID]
			if ev.End.String() != want {
				t.Errorf("daemon %d: %v, want %s", ev.Daemon.ID, ev.End, want)
			}
			if ev.End.At.Before(begun.Add(-time.Second)) || ev.End.At.After(time.Now().Add(time.Second)) {
				t.Errorf("daemon %d ended at %v", ev.Daemon.ID, ev.End.At)
			}
		}
	}
}

func TestStopIsHeeded(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done"))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.stop(7, time.Hour)
	n.wait(t, "7 exited") // it was asked to, whatever its status
	n.wait(t, "7 3> bye")
	n.wait(t, "7 3> meshos: stopping: the test says so")
}

func TestStopKillsTheWholeGroupAfterTheGrace(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.01; done' & wait; wait"))
	n.start(7)
	n.until(t, "a pid", func() bool { return len(linesOf(n.loop)) > 0 })
	grandchild := n.lines(7)[0].Message
	begun := time.Now()
	n.stop(7, 150*time.Millisecond)
	n.wait(t, "7 exited")
	if took := time.Since(begun); took < 150*time.Millisecond {
		t.Errorf("killed after %v, before its grace was over", took)
	}
	n.wait(t, "7 4> meshos: killed: it did not end when it was asked to")
	testkit.Until(t, "the end of the grandchild", func() bool { return gone(grandchild) })
}

func TestStopReachesAStoppedProcess(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "echo ready; exec sleep 1000"))
	n.start(7)
	n.wait(t, "7 3> ready")
	pid := n.Running()[0].PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "its standstill", func() bool { return testkit.State(pid) == 'T' })
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
}

func TestEarliestDeadlineOfSeveralStopsCounts(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "trap '' TERM; echo ready; while :; do sleep 0.01; done"))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.stop(7, time.Hour)
	if r := n.Running(); len(r) != 1 || !r[0].Stopping || r[0].Daemon != ref(7) {
		t.Errorf("listed as %+v", r)
	}
	n.stop(7, 0)
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
}

func TestStopOfWhatDoesNotRunSucceeds(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "exit 0"))
	n.stop(7, 0)
	n.stop(8, 0)
	n.start(7)
	n.wait(t, "7 exited")
	n.stop(7, 0)
	if got, want := n.life(), []string{"7 started", "7 exited"}; !slices.Equal(got, want) {
		t.Errorf("there came %q, want %q", got, want)
	}
}

func TestCrashLoopIsPublishedInOrder(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "exit 1"))
	const rounds = 30
	for i := range rounds {
		n.start(7)
		n.until(t, "the next crash", func() bool { return crashes(n.loop) == i+1 })
	}
	var want []string
	for range rounds {
		want = append(want, "7 started", "7 crashed: exit status 1")
	}
	if got := n.life(); !slices.Equal(got, want) {
		t.Errorf("there came %q", got)
	}
}

func TestRunningDaemonKeepsWhatItWasStartedWith(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "echo old; trap 'exit 0' TERM; while :; do sleep 0.01; done"))
	n.start(7)
	n.wait(t, "7 3> old")
	n.Configure(nil) // reconcile stops it; nothing here does
	if len(n.Running()) != 1 {
		t.Fatal("it does not run any more")
	}
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	n.Configure([]daemon.Spec{sh(7, "echo new")})
	n.start(7)
	n.wait(t, "7 3> new")
}
