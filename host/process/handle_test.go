package process_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
)

func detached(t *testing.T, script string) *process.Handle {
	t.Helper()
	h, err := process.StartDetached(process.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.Signal(syscall.SIGKILL)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
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
		"no pid":     func(id *process.Identity) { id.PID = 0 },
	} {
		id := h.Identity()
		change(&id)
		if _, err := process.Open(id); !errors.Is(err, process.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	same, err := process.Open(h.Identity())
	if err != nil {
		t.Fatal(err)
	}
	same.Close()
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

func TestKillGroupHitsOnlyTheGroupOfThatSession(t *testing.T) {
	h := detached(t, "exec sleep 1000")
	pid := h.Identity().PID
	other := exec.Command("sleep", "1000")
	other.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	if n := process.KillGroup(pid, other.Process.Pid); n != 0 {
		t.Errorf("%d of a group in another session killed", n)
	}
	if n := process.KillGroup(pid, pid); n != 1 {
		t.Errorf("%d killed, want 1", n)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}
