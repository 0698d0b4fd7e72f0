package process_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func detached(t *testing.T, script string) *process.Handle {
	t.Helper()
	h, err := process.StartDetached(process.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.Signal(syscall.SIGKILL)
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		_ = h.Wait(ctx)
		h.Close()
	})
	return h
}

func TestHandleSeesTheEndAndCollectsAChild(t *testing.T) {
	h := detached(t, "exit 3")
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Open(h.Identity()); !errors.Is(err, process.ErrGone) {
		t.Errorf("after its end: %v", err)
	}
	if err := h.Signal(syscall.SIGTERM); !errors.Is(err, process.ErrGone) {
		t.Errorf("a signal after its end gave %v", err)
	}
}

func TestHandleOfAnotherStartOrBootIsGone(t *testing.T) {
	h := detached(t, "exec sleep 1000")
	for name, change := range map[string]func(*process.Identity){
		"start time": func(id *process.Identity) { id.Start++ },
		"boot":       func(id *process.Identity) { id.Boot = "another" },
		"namespace":  func(id *process.Identity) { id.Namespace = "pid:[1]" },
		"container":  func(id *process.Identity) { id.InitStart++ }, // whose namespace has the number of one that is gone
		"no pid":     func(id *process.Identity) { id.PID = 0 },
	} {
		id := h.Identity()
		change(&id)
		if _, err := process.Open(id); !errors.Is(err, process.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*process.Identity){
		"itself":                         func(*process.Identity) {},
		"recorded without its container": func(id *process.Identity) { id.InitStart = 0 },
		"recorded without its namespace": func(id *process.Identity) { id.Namespace, id.InitStart = "", 0 },
	} {
		id := h.Identity()
		change(&id)
		same, err := process.Open(id)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same.Close()
	}
}

func TestWaitOfAHandleEndsWithItsContextAndWithClose(t *testing.T) {
	h := detached(t, "exec sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	same, err := process.Open(h.Identity())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { got <- same.Wait(context.Background()) }()
	same.Close()
	if err := <-got; err == nil {
		t.Error("Wait says that it ended")
	}
}

func TestADetachedProcessHasASessionOfItsOwn(t *testing.T) {
	h := detached(t, "exec sleep 1000")
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(h.Identity().PID) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	if f := strings.Fields(rest); f[3] != strconv.Itoa(h.Identity().PID) {
		t.Errorf("session %s of process %d", f[3], h.Identity().PID)
	}
}

func TestKillSessionKillsAllGroupsOfIt(t *testing.T) {
	h := detached(t, "set -m; sleep 1000 & sleep 1000 & wait")
	id := h.Identity()
	testkit.Until(t, "its children", func() bool { return len(sessionOf(t, id.PID)) == 3 })
	members := sessionOf(t, id.PID)
	other := id
	other.Start++
	if n := process.KillSession(other); n != 0 {
		t.Errorf("%d killed of a session that another process of the same pid began", n)
	}
	if n := process.KillSession(id); n != 3 {
		t.Errorf("%d killed, want 3", n)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range members {
		waitGone(t, pid)
	}
}

// sessionOf returns the processes of a session.
func sessionOf(t *testing.T, session int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 3 && f[3] == strconv.Itoa(session) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}
