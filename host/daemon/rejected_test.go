package daemon_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/internal/testkit"
)

func TestADaemonWhoseProgramIsMissingIsRejectedUntilItIsThere(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	elsewhere := daemon.Spec{Daemon: ref(9), Command: []string{program}, Node: 77}
	n := startNode(t, daemon.Spec{Daemon: ref(7), Command: []string{program}}, sh(8, sleeper), elsewhere)
	n.wait(t, "7 rejected: there is no file "+program+"; install it, or correct the path")
	testkit.Script(t, program+".new", "#!/bin/sh\nexec sleep 1000\n")
	if err := errors.Join(os.Chmod(program+".new", 0o600), os.Rename(program+".new", program)); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 rejected: "+program+" is not executable; chmod +x "+program)
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 rejected: ")
	n.start(7)
	n.wait(t, "7 started")
	for _, text := range n.all() {
		if matches(text, "8 rejected: *") || matches(text, "9 rejected: *") {
			t.Errorf("there came %q", text)
		}
	}
}

func TestADaemonIsRejectedByAReloadAndByAFailedStart(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, sleeper))
	gone := sh(7, sleeper)
	gone.Dir = filepath.Join(t.TempDir(), "gone")
	n.Configure([]daemon.Spec{gone})
	n.wait(t, "7 rejected: there is no directory "+gone.Dir+"; create it, or leave dir out")
	n.Configure([]daemon.Spec{sh(7, sleeper)})
	n.wait(t, "7 rejected: ")

	program := filepath.Join(t.TempDir(), "program")
	testkit.Script(t, program, "#!/bin/sh\nexec sleep 1000\n")
	n.Configure([]daemon.Spec{{Daemon: ref(7), Command: []string{program}}})
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), ref(7)); err == nil {
		t.Error("it was started")
	}
	n.wait(t, "7 rejected: there is no file "+program+"; install it, or correct the path")
}

func TestADaemonThatRunsIsNotRejected(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "program")
	testkit.Script(t, program, "#!/bin/sh\nexec sleep 1000\n")
	spec := daemon.Spec{Daemon: ref(7), Command: []string{program}}
	n := startNodeIn(t, dir, spec)
	n.start(7)
	n.wait(t, "7 started")
	n.Close()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	next := startNodeIn(t, dir, spec)
	next.wait(t, "7 started")
	for _, text := range next.all() {
		if matches(text, "7 rejected: *") {
			t.Errorf("there came %q", text)
		}
	}
}
