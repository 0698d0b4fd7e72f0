package plugins

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
	"github.com/meshos/meshos/internal/testkit"
)

// The shipped scorer as a process under a catalog, the driver and the loop on the
// real core, joined as a node joins them.
func TestB10a_ShippedScorerMovesAReplica(t *testing.T) {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	plugins := scorerCatalog(t, 0)

	l := loop.New(loop.Config{TickInterval: 20 * time.Millisecond}, state.New(state.Boot{Node: 1, NodeName: "here", Policy: statetest.Policy()}))
	l.Slots().InstallScorer(scorer{plugins.Scorer()})
	driver := scoring.New(scoring.Options{
		Reader: l.Reader(), Feed: l.Feed(), Scorer: l.Slots().Scorer, TickInterval: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	var all, pluginsEnd sync.WaitGroup
	pluginCtx, endPlugins := context.WithCancel(context.Background())
	pluginsEnd.Go(func() { _ = plugins.Run(pluginCtx, nil) })
	h := l.Handle()
	all.Go(func() {
		_ = l.Run(ctx, loop.Hooks{Decorate: func(s *snapshot.Snapshot) {
			s.Plugins = plugins.Views()
			s.Scheduler = driver.Scheduler(s)
		}})
	})
	all.Go(func() { driver.Run(ctx) })
	defer func() {
		end()
		all.Wait()
		endPlugins()
		pluginsEnd.Wait()
	}()

	publish := func(evs ...mesh.Event) {
		t.Helper()
		if _, err := h.PublishBatch(ctx, evs); err != nil {
			t.Fatal(err)
		}
	}
	// next takes the next action, and says that it is done.
	next := func() mesh.Action {
		t.Helper()
		select {
		case a := <-l.Actions():
			if err := l.Feed().Outcome(ctx, mesh.Outcome{ID: a.ID, OK: true, Final: true}); err != nil {
				t.Fatal(err)
			}
			return a.Action
		case <-time.After(testkit.Patience):
			t.Fatalf("no action; the snapshot says %+v, plugins %+v", l.Reader().Latest().Scheduler, plugins.Views())
			return nil
		}
	}
	publish(
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 1},
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 2},
		mesh.ReplicaLeader{Chain: 7, Leader: 1},
		mesh.PlacementIntent{Chain: 7, Desired: 2},
		mesh.RTTSample{Peer: 2, RTT: 240 * time.Millisecond}, mesh.HealthSample{Peer: 2, Health: mesh.HealthDegraded},
		mesh.RTTSample{Peer: 3, RTT: time.Millisecond}, mesh.HealthSample{Peer: 3, Health: mesh.HealthHealthy},
		mesh.RTTSample{Peer: 4, RTT: 50 * time.Millisecond}, mesh.HealthSample{Peer: 4, Health: mesh.HealthHealthy},
	)
	if got, want := next(), (mesh.RequestPlacement{Chain: 7, Exclude: []mesh.NodeID{1, 2}, Target: 3, Replaces: 2}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	// The action is handed out before the snapshot of its tick is published.
	published := time.After(testkit.Patience)
	for {
		changed := l.Reader().Changed()
		if s := l.Reader().Latest().Scheduler; s.Active && s.ChainsScored == 1 && s.Moving == 1 {
			break
		}
		select {
		case <-changed:
		case <-published:
			t.Fatalf("the snapshot says %+v", l.Reader().Latest().Scheduler)
		}
	}
	publish(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 3})
	if got, want := next(), (mesh.RequestEviction{Chain: 7, Victim: 2}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	publish(mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: 7, Holder: 2})

	// Without its process there are no scores, and the snapshot says so.
	endPlugins()
	pluginsEnd.Wait()
	deadline := time.After(testkit.Patience)
	for {
		changed := l.Reader().Changed()
		if s := l.Reader().Latest().Scheduler; !s.Active && strings.HasPrefix(s.IdleReason, "scorer-default is disabled") {
			break
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("the snapshot says %+v", l.Reader().Latest().Scheduler)
		}
	}
	if failures := l.Reader().Latest().Failures; len(failures) != 0 {
		t.Errorf("failures: %+v", failures)
	}
}

// scorerCatalog is a catalog, not running yet, with the shipped scorer in it, whose pages
// have so many bytes; 0 for the usual.
func scorerCatalog(t testing.TB, pageBytes int) *catalog.Catalog {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "scorer-default")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, "../../plugins/scorer-default").CombinedOutput(); err != nil {
		t.Fatalf("build the scorer: %v\n%s", err, out)
	}
	return scorersCatalog(t, pageBytes, catalog.Entry{Name: "scorer-default", Path: binary, Enabled: true, Kinds: []string{catalog.KindPlacementScorer}})
}

func scorersCatalog(t testing.TB, pageBytes int, e catalog.Entry) *catalog.Catalog {
	t.Helper()
	sockets, err := os.MkdirTemp("/tmp", "r") // short: sockets have to fit into a path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	c, err := catalog.New(catalog.Options{
		Entries: []catalog.Entry{e}, PageBytes: pageBytes, StartTimeout: testkit.Patience,
		DataDir: t.TempDir(), RunDir: sockets, Node: 1, Cluster: "test",
		Log: func(_ mesh.LogLevel, plugin, message string) { t.Logf("%s: %s", plugin, message) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
