package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// asProcess starts this plugin as a host does: a process of its own, under the
// catalog. The process is this test binary, whose TestMain is the plugin's main
// then.
func asProcess(t *testing.T, config map[string]any) *catalog.Catalog {
	t.Helper()
	sockets, err := os.MkdirTemp("/tmp", "p") // short: sockets have to fit into a path
	if err != nil {
		t.Fatal(err)
	}
	dataDir := t.TempDir()
	c, err := catalog.New(catalog.Options{
		Entries: []catalog.Entry{{Name: name, Path: os.Args[0], Enabled: true, Config: config, Chains: []string{"log"}}},
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
	until(t, "the plugin is ready", func() bool { return view(c).Status == snapshot.PluginReady })
	return c
}

func view(c *catalog.Catalog) snapshot.Plugin { return c.Views()[0] }

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

func TestProcessListsAndAborts(t *testing.T) {
	s := serve(t, plain)
	c := asProcess(t, map[string]any{"url": s.URL + "/base", "interval": "20ms"})
	until(t, "the first list", func() bool {
		list, err := c.MigrationSource().ListMigrations(t.Context())
		return err == nil && len(list) == 1 && list[0].ID == 7
	})
	if err := c.Aborter().Abort(t.Context(), 7, "killed by an operator"); err != nil {
		t.Fatal(err)
	}
	if got := s.seen(); len(got) != 1 || got[0].reason != "killed by an operator" {
		t.Errorf("the orchestrator saw %+v", got)
	}
}

func TestProcessWithoutOrchestrator(t *testing.T) {
	c := asProcess(t, nil)
	if list, err := c.MigrationSource().ListMigrations(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("list %v, %v; want an empty one", list, err)
	}
	err := c.Aborter().Abort(t.Context(), 7, "test")
	if err == nil || !strings.Contains(err.Error(), "no orchestrator is configured") {
		t.Errorf("abort: %v", err)
	}
	said, err := c.Describe(name)
	if err != nil || !strings.Contains(said.String(), "no orchestrator is configured") {
		t.Errorf("an operator sees %v, %v", said, err)
	}
}
