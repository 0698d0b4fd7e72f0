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
)

// asProcess starts this plugin as a host does: a process of its own, under the
// catalog. The process is this test binary, whose TestMain is the plugin's main
// then.
func asProcess(t *testing.T, config map[string]any) (c *catalog.Catalog, dir string) {
	t.Helper()
	sockets, err := os.MkdirTemp("/tmp", "p") // short: sockets have to fit into a path
	if err != nil {
		t.Fatal(err)
	}
	dataDir := t.TempDir()
	c, err = catalog.New(catalog.Options{
		Entries: []catalog.Entry{{Name: "run-command", Path: os.Args[0], Enabled: true, Config: config}},
		DataDir: dataDir, RunDir: sockets, Node: 1, Cluster: "test",
		Log: func(_ mesh.LogLevel, plugin, message string) { t.Logf("%s: %s", plugin, message) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the catalog ended with %v", err)
		}
		_ = os.RemoveAll(sockets)
	})
	until(t, "the plugin is ready", func() bool { return c.Views()[0].Status == snapshot.PluginReady })
	return c, filepath.Join(dataDir, "plugins", "run-command")
}

// until waits for a condition, as long as a slow machine may need.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(15 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within 15 s: %s", what)
		}
	}
}

func TestProcessRunsCommands(t *testing.T) {
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
	c, dir := asProcess(t, map[string]any{
		"commands": map[string]any{"pull_replica": []any{"/bin/sh", "-c", `echo $$ >pid; sleep 60`}}, "grace": "0s",
	})
	a, err := c.Actuator("run-command")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err = a.Dispatch(ctx, 1, pull()); err == nil || !strings.Contains(err.Error(), "was not done after") {
		t.Errorf("ended with %v", err)
	}
	until(t, "the command is gone", func() bool { return !alive(pidIn(t, dir)) })
	if v := c.Views()[0]; v.Status != snapshot.PluginReady {
		t.Errorf("the plugin is %+v", v)
	}
}

func TestAKilledProcessLeavesNoCommandBehind(t *testing.T) {
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
	until(t, "the command runs", func() bool { b, _ := os.ReadFile(filepath.Join(dir, "pid")); return len(b) > 1 })
	if err := syscall.Kill(c.Views()[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("ended with %v", err)
	}
	until(t, "the command is gone", func() bool { return !alive(pidIn(t, dir)) })
}

// pidIn is the process that wrote its id.
func pidIn(t *testing.T, dir string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(file(t, dir, "pid")))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
