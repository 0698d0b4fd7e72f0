package catalog_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/internal/testkit"
)

// apiCalls runs a plugin that calls the node's API in every way that it can, and returns
// what it got.
func apiCalls(t *testing.T, allowed bool) []string {
	t.Helper()
	socket := filepath.Join(shortDir(t), "api")
	ln, err := api.Listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	var running atomic.Pointer[rig]
	service := api.NewService(api.Options{
		Reader: snapshottest.New(&snapshot.Snapshot{Node: 1}),
		Origin: func(pid int) (string, bool) {
			testkit.Until(t, "the catalog runs", func() bool { return running.Load() != nil })
			return running.Load().PluginOf(pid)
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Serve(ctx, ln, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	spawner, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(t.TempDir(), "record"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(spawner.Close)
	r := start(t, []catalog.Entry{entry("p", "call-api", func(e *catalog.Entry) {
		e.Env = append(e.Env, "API="+socket)
		e.API = allowed
	})}, func(o *catalog.Options) { o.Spawner = spawner })
	running.Store(r)
	var got []string
	testkit.Until(t, "all have called", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		got = nil
		for _, line := range r.logs {
			if _, said, found := strings.Cut(line, "api: "); found {
				got = append(got, said)
			}
		}
		return len(got) == 4
	})
	slices.Sort(got)
	return got
}

func TestThePluginsProcessesMayNotUseTheAPI(t *testing.T) {
	t.Parallel()
	for _, said := range apiCalls(t, false) {
		if !strings.HasSuffix(said, ": PermissionDenied") {
			t.Error(said)
		}
	}
}

func TestAPluginWhoseEntryAllowsItMayUseTheAPI(t *testing.T) {
	t.Parallel()
	for _, said := range apiCalls(t, true) {
		if !strings.HasSuffix(said, ": OK") {
			t.Errorf("%s", said)
		}
	}
}
