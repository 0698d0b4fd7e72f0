package process_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

// leased returns a program on which the kernel makes every open and execution wait: for
// 45 s, unless the lease is let go of.
func leased(t *testing.T) (path string) {
	t.Helper()
	path, _ = testkit.Leased(t, "/bin/true")
	return path
}

// The parent of a vfork waits for the execution with its thread, and a pause of the
// garbage collector waits for that thread.
func TestAnExecutionThatWaitsStopsNobodyElse(t *testing.T) {
	s, path := spawner(t), leased(t)
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan error, 1)
	go func() {
		_, err := s.Start(ctx, process.Spec{Path: path})
		started <- err
	}()
	testkit.Until(t, "a process that waits", func() bool { return len(helpers(t)) > 0 })
	for range 10 {
		runtime.GC()
		if e := exit(t, sh(t, s, "exit 0")); !e.Clean() {
			t.Errorf("ended with %v", e)
		}
	}
	select { // for 45 s; whoever had to wait for the lease has waited to its end
	case err := <-started:
		t.Errorf("the start ended early: %v", err)
	default:
	}
	cancel()
	if err := <-started; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	testkit.Until(t, "the end of the process that waits", func() bool { return len(helpers(t)) == 0 })
}

func TestAStartHasADeadline(t *testing.T) {
	s, path := spawner(t), leased(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p, err := s.Start(ctx, process.Spec{Path: path})
	if p != nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "start "+path) {
		t.Errorf("got %v, %v", p, err)
	}
}

// helpers returns the children of this process that have not become their program yet.
func helpers(t *testing.T) (pids []string) {
	t.Helper()
	children, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range children {
		text, _ := os.ReadFile(name)
		for _, pid := range strings.Fields(string(text)) {
			cmdline, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			if strings.Contains(string(cmdline), "\x00spawn\x00") {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func TestAProcessCannotLeaveItsSessionForOurGroup(t *testing.T) {
	s := spawner(t)
	p := sh(t, s, `python3 -c "
import os, sys
try:
    os.setpgid(0, int(sys.argv[1]))
    print('joined')
except OSError as e:
    print('refused')
sys.stdout.flush()
import time
time.sleep(1000)
" `+strconv.Itoa(syscall.Getpgrp()))
	buf := make([]byte, 32)
	n, err := p.Stdout().Read(buf)
	if err != nil || string(buf[:n]) != "refused\n" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if e := p.Stop(context.Background(), syscall.SIGKILL, 0); e.Signal != syscall.SIGKILL {
		t.Errorf("ended with %v", e)
	}
}
