package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
)

// asProcess starts this plugin as a node does, and returns its data directory. Without a timeout in
// its entry, the deadline of a call is that of its caller.
func asProcess(t *testing.T, config map[string]any) (c *catalog.Catalog, dir string) {
	t.Helper()
	dir = t.TempDir()
	c = catalogtest.Start(t, "run-command", config, func(o *catalog.Options) { o.DataDir, o.Entries[0].Timeout = dir, 0 })
	return c, filepath.Join(dir, "plugins", "run-command")
}

func TestProcessRunsCommands(t *testing.T) {
	t.Parallel()
	script := `echo once >>runs; [ "$(wc -l <runs)" -ge 2 ] || exit 75; echo '{"replica_update":{"kind":"KIND_ADDED","chain":"7","holder":"1"}}'`
	c, dir := asProcess(t, map[string]any{
		"commands": map[string]any{"pull_replica": []any{"/bin/sh", "-c", script}}, "events": true, "retry": "20ms",
	})
	a, err := c.Actuator("run-command")
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Dispatch(t.Context(), 1, pull())
	var later *catalog.CallError
	if !errors.As(err, &later) || later.RetryAfter() != 20*time.Millisecond {
		t.Errorf("the first time: %v", err)
	}
	events, err := a.Dispatch(t.Context(), 1, pull())
	want := mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 1}
	if err != nil || len(events) != 1 || events[0].Event != want {
		t.Errorf("the second time: %v, %v", events, err)
	}
	if runs := file(t, dir, "runs"); runs != "once\nonce\n" {
		t.Errorf("runs %q", runs)
	}
}

// The node's deadline for an action reaches the command.
func TestProcessEndsCommandsInTime(t *testing.T) {
	t.Parallel()
	c, dir := asProcess(t, map[string]any{
		"commands": map[string]any{"pull_replica": []any{"/bin/sh", "-c", `echo $$ >pid; sleep 60`}}, "grace": "0s",
	})
	a, err := c.Actuator("run-command")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // within which the command has to start
	defer cancel()
	if _, err = a.Dispatch(ctx, 1, pull()); err == nil || !strings.Contains(err.Error(), "was not done after") {
		t.Errorf("ended with %v", err)
	}
	testkit.Until(t, "the command is gone", func() bool { return testkit.Ended(pidIn(t, dir, "pid")) })
	if v := catalogtest.View(c); v.Status != snapshot.PluginReady {
		t.Errorf("the plugin is %+v", v)
	}
}

func TestAKilledProcessLeavesNoCommandBehind(t *testing.T) {
	t.Parallel()
	c, dir := asProcess(t, map[string]any{
		"commands": map[string]any{"pull_replica": []any{"/bin/sh", "-c", `echo $$ >pid; exec sleep 60`}},
	})
	a, err := c.Actuator("run-command")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := a.Dispatch(t.Context(), 1, pull())
		ended <- err
	}()
	testkit.Until(t, "the command runs", func() bool { b, _ := os.ReadFile(filepath.Join(dir, "pid")); return len(b) > 1 })
	if err := syscall.Kill(catalogtest.View(c).PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("ended with %v", err)
	}
	testkit.Until(t, "the command is gone", func() bool { return testkit.Ended(pidIn(t, dir, "pid")) })
}

// pidIn returns the process id in a file.
func pidIn(t *testing.T, dir, name string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(file(t, dir, name)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
