package daemon_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/internal/testkit"
)

// hooks are shell scripts that are run one after the other.
func hooks(scripts ...string) config.Hooks {
	h := config.Hooks{Timeout: patience}
	for _, script := range scripts {
		h.Commands = append(h.Commands, []string{"sh", "-c", script})
	}
	return h
}

func TestAStartThatHasHooksEndsItsActionBeforeThem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "go")
	spec := sh(7, sleeper)
	spec.PreStart = hooks("while ! test -e " + file + "; do sleep 0.02; done")
	n := startNode(t, spec)
	n.start(7)
	if err := n.Start(t.Context(), ref(7)); err == nil || err.Error() != "daemon 7 (test) is being started already" {
		t.Errorf("a second start: %v", err)
	}
	if got := n.Running(); len(got) > 0 {
		t.Errorf("it runs already: %v", got)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 started")
}

func TestAFailedHookIsTheEndOfTheRun(t *testing.T) {
	t.Parallel()
	spec := sh(7, sleeper)
	spec.PreStart = hooks("true", "echo no >&2; exit 3", "echo never")
	n := startNode(t, spec)
	for range 2 { // the second time with what the first one left
		n.start(7)
		n.wait(t, "7 crashed: pre_start sh: exit status 3: no")
		n.set(func(l *loop) { l.events = l.events[:0:0] })
	}
	spec.PreStart = hooks("true")
	spec.Command = []string{"/bin/sh", "-c", sleeper}
	n.Configure([]daemon.Spec{spec})
	n.start(7)
	n.wait(t, "7 started")
}

func TestAStopGivesUpTheStartAndItsHooks(t *testing.T) {
	t.Parallel()
	pid := filepath.Join(t.TempDir(), "pid")
	spec := sh(7, sleeper)
	spec.PreStart = hooks("echo $$ >" + pid + ".new; mv " + pid + ".new " + pid + "; exec sleep 1000")
	n := startNode(t, spec)
	for range 2 {
		n.start(7)
		testkit.Until(t, "the hook", func() bool { return exists(pid) })
		text, err := os.ReadFile(pid)
		if err != nil || os.Remove(pid) != nil {
			t.Fatal(err)
		}
		n.stop(7, 0)
		n.wait(t, "7 exited")
		if !gone(string(text[:len(text)-1])) {
			t.Error("the hook is still there")
		}
		n.set(func(l *loop) { l.events = l.events[:0:0] })
	}
}

func TestHooksAfterTheEndHaveTheirTimeWhateverTheGrace(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "go")
	spec := sh(7, sleeper)
	spec.PostStop = hooks("echo tidies >&2; while ! test -e "+file+"; do sleep 0.02; done", "echo tidied")
	n := startNode(t, spec)
	n.start(7)
	n.wait(t, "7 started")
	n.stop(7, time.Millisecond)
	n.wait(t, "7 4> post_stop sh: tidies")
	if err := n.Start(t.Context(), ref(7)); err == nil {
		t.Error("it was started meanwhile")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 exited")
	if all := n.all(); !slices.Contains(all, "7 3> post_stop sh: tidied") {
		t.Errorf("there came %q", all)
	}
}
