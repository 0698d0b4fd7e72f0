package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
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

// The process is killed again and again while records are sent, each batch until
// it is acknowledged: at the end all are there, once and in order.
func TestProcessKilledWhileItWrites(t *testing.T) {
	dir := t.TempDir()
	c := asProcess(t, map[string]any{"dir": dir, "max_size": int64(4096), "keep": int64(1000)})
	a, err := c.Appender(name)
	if err != nil {
		t.Fatal(err)
	}
	const batch, all = 5, 100
	for seq := uint64(1); seq <= all; seq += batch {
		var records []*meshosv1.Record
		for i := range uint64(batch) {
			records = append(records, logRecord(7, seq+i))
		}
		killed := make(chan struct{})
		if seq%35 == 1 { // three times: five would quarantine it
			pid := view(c).PID
			go func() {
				defer close(killed)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}()
		} else {
			close(killed)
		}
		until(t, "the batch is stored", func() bool { return a.Append(t.Context(), records) == nil })
		<-killed
	}
	wantContent(t, dir, text(entries(t, 7, 1, all)))
	if _, err := os.Stat(filepath.Join(dir, "log-000001.jsonl")); err != nil {
		t.Errorf("nothing was put aside: %v", err)
	}
	if n := view(c).Restarts; n == 0 {
		t.Error("the process was never restarted")
	}
}
