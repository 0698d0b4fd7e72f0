package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
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

func TestProcessScores(t *testing.T) {
	c := asProcess(t, map[string]any{"weight_disk": int64(2)})
	nodes, chains := world(100, 50)
	table, err := c.Scorer().Score(t.Context(), &pluginv1.ScoreRequest{ViewVersion: 3, Full: true, Nodes: nodes, Chains: chains})
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaults()
	cfg.WeightDisk = 2
	if d := cmp.Diff(scoreWith(t, cfg, nodes, chains...), table.GetChains(), protocmp.Transform()); d != "" {
		t.Error(d)
	}
}
