package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/process"
)

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	at := func(dir string, command ...string) daemon.Spec {
		return daemon.Spec{Daemon: ref(7), Dir: dir, Command: command, Env: map[string]string{"PATH": "/nowhere:/bin:/usr/bin"}}
	}
	for name, tc := range map[string]struct {
		spec daemon.Spec
		want string
	}{
		"not configured":        {sh(8, ""), "no [[daemon]] with id 7 in the configuration"},
		"no such file":          {at("", "/no/such/file"), "daemon 7 (test) could not be started: /no/such/file: no such file"},
		"not executable":        {at("", text), "daemon 7 (test) could not be started: " + text + ": not executable: its mode is -rw-r--r--: permission denied"},
		"not in PATH":           {at("", "no-such-program"), `daemon 7 (test) could not be started: program "no-such-program" was not found in PATH (/nowhere:/bin:/usr/bin); give its full path`},
		"no working directory":  {at("/no/such/dir", "sh"), "daemon 7 (test) could not be started: /no/such/dir: can't be used as working directory: no such file or directory"},
		"no command whatsoever": {at(""), `daemon 7 (test) could not be started: program "" was not found in PATH (/nowhere:/bin:/usr/bin); give its full path`},
	} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, tc.spec)
			for range 2 { // a failed start leaves nothing behind
				err := n.Start(t.Context(), ref(7))
				if err == nil || err.Error() != tc.want {
					t.Errorf("got  %v\nwant %s", err, tc.want)
				}
			}
			got := slices.DeleteFunc(n.all(), func(text string) bool { return matches(text, "7 rejected: *") })
			if len(got) != 0 {
				t.Errorf("there came %q, want nothing", got)
			}
		})
	}
}

func TestErrorsOfStartAreTyped(t *testing.T) {
	t.Parallel()
	n := startNode(t, daemon.Spec{Daemon: ref(7), Command: []string{"/no/such/file"}})
	err := n.Start(t.Context(), ref(7))
	var start *daemon.StartError
	var proc *process.StartError
	if !errors.As(err, &start) || !errors.As(err, &proc) || proc.Cause != process.CauseNotFound {
		t.Errorf("got %#v", err)
	}
	var unknown *daemon.UnknownError
	if err := n.Start(t.Context(), ref(9)); !errors.As(err, &unknown) || unknown.Daemon != ref(9) {
		t.Errorf("got %#v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Start(ctx, ref(7)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context has ended", err)
	}
}

func TestConcurrentStartsStartOne(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "echo one; exec sleep 1000"))
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for range cap(errs) {
		wg.Go(func() { errs <- n.Start(t.Context(), ref(7)) })
	}
	wg.Wait()
	close(errs)
	started := 0
	for err := range errs {
		var running *daemon.RunningError
		switch {
		case err == nil:
			started++
		case !errors.As(err, &running):
			t.Errorf("got %v", err)
		}
	}
	if started != 1 {
		t.Errorf("%d starts succeeded, want one", started)
	}
	n.wait(t, "7 3> one")

	pid := n.Running()[0].PID
	if err, want := n.Start(t.Context(), ref(7)), fmt.Sprintf("daemon 7 (test) runs already (process %d)", pid); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestStartWhileStopping(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "trap '' TERM; echo ready; while :; do sleep 0.01; done"))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.stop(7, time.Hour)
	err := n.Start(t.Context(), ref(7))
	if err == nil || !strings.HasPrefix(err.Error(), "daemon 7 (test) is still stopping (process ") {
		t.Errorf("got %v", err)
	}
	n.stop(7, 0)
}

func TestDaemonFindsOnlyAFewThingsOfTheNode(t *testing.T) {
	t.Setenv("PATH", "/bin:/usr/bin")
	t.Setenv("HOME", "/root/or/so")
	t.Setenv("LANG", "")
	t.Setenv("SECRET", "of the node")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, daemon.Spec{
		Daemon: ref(7), Dir: dir, Command: []string{"env"},
		Env: map[string]string{"PORT": "9000", "HOME": "/mine"},
	}, daemon.Spec{Daemon: ref(8), Dir: dir, Command: []string{"sh", "-c", "pwd -P; cat; ls /proc/self/fd | wc -l"}})
	n.start(7)
	n.wait(t, "7 exited")
	var got []string
	for _, line := range n.lines(7) {
		got = append(got, line.Message)
	}
	slices.Sort(got)
	if want := []string{"HOME=/mine", "LANG=C.UTF-8", "PATH=/bin:/usr/bin", "PORT=9000"}; !slices.Equal(slices.DeleteFunc(got, marks), want) {
		t.Errorf("its environment is %q, want %q", got, want)
	}
	n.start(8)
	n.wait(t, "8 exited")
	n.wait(t, "8 3> "+dir)
	n.wait(t, "8 3> 4") // stdin at its end, stdout, stderr, and the folder that ls reads
}

// marks reports whether a variable marks what was started.
func marks(variable string) bool { return strings.HasPrefix(variable, process.MarkVariable+"=") }
