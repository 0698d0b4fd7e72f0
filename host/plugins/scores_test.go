package plugins

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/internal/testkit"
)

// asked is a driver at a scorer's process, and what came of it.
type asked struct {
	*snapshottest.Source
	*scoring.Driver
	t       *testing.T
	plugins *catalog.Catalog
	calls   atomic.Int64

	mu       sync.Mutex
	tables   []mesh.Scores
	failures []string
}

// ask runs a driver on a mesh in which this node leads so many chains, with the scorer of
// that catalog and that decision interval, until the test ends.
func ask(t *testing.T, chains int, plugins *catalog.Catalog, interval time.Duration) *asked {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = plugins.Run(ctx, nil) })
	a := &asked{Source: snapshottest.New(manyChains(chains)), t: t, plugins: plugins}
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	testkit.Until(t, "the scorer is ready", func() bool { return plugins.Views()[0].Status == snapshot.PluginReady })
	a.Driver = scoring.New(scoring.Options{
		Reader: a, Feed: a, Log: slog.New(slog.DiscardHandler), Random: func() float64 { return 0 },
		Scorer:       func() scoring.Scorer { return counted{scorer{plugins.Scorer()}, &a.calls} },
		TickInterval: time.Millisecond, DecisionInterval: interval, Timeout: time.Minute,
	})
	all.Go(func() { a.Run(ctx) })
	return a
}

// counted counts the calls of a scorer.
type counted struct {
	scoring.Scorer
	calls *atomic.Int64
}

func (c counted) Score(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
	c.calls.Add(1)
	return c.Scorer.Score(ctx, req)
}

func (a *asked) Scores(_ context.Context, table mesh.Scores) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tables = append(a.tables, table)
	return nil
}

func (a *asked) Report(_ context.Context, r mesh.FailureReport) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures = append(a.failures, r.Reason)
	return nil
}

// tick publishes a snapshot with the plugins as they are.
func (a *asked) tick(change func(*snapshot.Snapshot)) {
	s := *a.Latest()
	s.Tick++
	s.Regular++
	s.Plugins = a.plugins.Views()
	change(&s)
	a.Show(&s)
}

// next ticks until there is another table.
func (a *asked) next(change func(*snapshot.Snapshot)) (table mesh.Scores) {
	a.t.Helper()
	testkit.Until(a.t, "there is another table", func() bool {
		a.tick(change)
		change = func(*snapshot.Snapshot) {}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.tables) == 0 {
			return false
		}
		table, a.tables = a.tables[0], a.tables[1:]
		return true
	})
	return table
}

func nothing(*snapshot.Snapshot) {}

// testScorer is a catalog with the catalog's test plugin as the scorer.
func testScorer(t *testing.T, mode string, timeout time.Duration) *catalog.Catalog {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "testplugin")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, "../catalog/internal/testplugin").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	return scorersCatalog(t, 0, catalog.Entry{
		Name: "testplugin", Path: binary, Enabled: true, Kinds: []string{catalog.KindPlacementScorer}, Env: []string{"MODE=" + mode}, Timeout: timeout,
	})
}

// More chains than ever fitted into a message, in pages that are a hundredth of the usual.
func TestAHundredThousandLedChainsGetTheirScores(t *testing.T) {
	t.Parallel()
	const chains = 100_000
	a := ask(t, chains, scorerCatalog(t, 4<<10), time.Hour)
	whole := a.next(nothing)
	if whole.Changes || len(whole.Chains) != chains {
		t.Fatalf("%d chains, changes %v", len(whole.Chains), whole.Changes)
	}
	table := make(map[mesh.ChainID]mesh.ChainScore, chains)
	take := func(in mesh.Scores) {
		for _, c := range in.Chains {
			table[c.Chain] = c
		}
		for _, id := range in.Unscored {
			delete(table, id)
		}
	}
	take(whole)

	// The scorer's rest after so many chains is a second.
	one := a.next(func(s *snapshot.Snapshot) {
		s.Replicas = snapshottest.Changed(s.Replicas, 42, func(r *snapshot.Replica) { r.Holders = []mesh.NodeID{1, 77} })
		s.Replicas = snapshottest.Changed(s.Replicas, 50_001, func(r *snapshot.Replica) { r.Leader = 2 })
	})
	if !one.Changes || len(one.Chains) != 1 || one.Chains[0].Chain != 42 || !cmp.Equal(one.Unscored, []mesh.ChainID{50_001}) {
		t.Fatalf("after a change of two chains: %d chains, unscored %v, changes %v", len(one.Chains), one.Unscored, one.Changes)
	}
	take(one)
	few := a.next(func(s *snapshot.Snapshot) {
		s.Peers = snapshottest.Changed(s.Peers, 502, func(p *snapshot.Peer) { p.Health = mesh.HealthUnreachable })
	})
	if !few.Changes || len(few.Chains) == 0 || len(few.Chains) > 100 {
		t.Fatalf("after a change of one node: %d chains, changes %v", len(few.Chains), few.Changes)
	}
	take(few)
	if got := a.Scheduler(a.Latest()); !got.Active || got.ChainsScored != chains-1 {
		t.Errorf("the snapshot shows %+v", got)
	}

	// What came in parts is what a whole answer says.
	again := a.next(func(s *snapshot.Snapshot) {
		s.Plugins = append([]snapshot.Plugin(nil), s.Plugins...)
		s.Plugins[0].Restarts++
	})
	if again.Changes || len(again.Chains) != len(table) {
		t.Fatalf("%d chains, want %d", len(again.Chains), len(table))
	}
	for _, c := range again.Chains {
		if d := cmp.Diff(c, table[c.Chain]); d != "" {
			t.Fatal(d)
		}
	}
}

// Whatever happens to a scorer between two pages, the loop gets whole answers or none.
func TestHalfAnAnswerIsNeverInForce(t *testing.T) {
	t.Parallel()
	for mode, timeout := range map[string]time.Duration{"pages-crash": testkit.Patience, "pages-hang": 15 * time.Second} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			const chains = 60
			a := ask(t, chains, testScorer(t, mode, timeout), time.Minute)
			if whole := a.next(nothing); len(whole.Chains) != chains {
				t.Fatalf("%d chains", len(whole.Chains))
			}
			gone := a.next(func(s *snapshot.Snapshot) { s.Replicas = first(s.Replicas, chains-1) })
			if gone.Changes || len(gone.Chains) != 0 {
				t.Errorf("%d chains, changes %v; want the table taken back", len(gone.Chains), gone.Changes)
			}
			if got := a.Scheduler(a.Latest()); got.Active || got.ChainsScored != 0 {
				t.Errorf("the snapshot shows %+v", got)
			}
		})
	}
}

// A scorer of version 1 says once what it lacks, and is asked again when there are clearly
// fewer chains.
func TestAScorerOfVersion1SaysOnceThatItHasTooManyChains(t *testing.T) {
	t.Parallel()
	const chains = 150_000
	a := ask(t, chains, testScorer(t, "score-all", time.Minute), 50*time.Millisecond)
	want := fmt.Sprintf("testplugin scores no more than fits into one message of 4 MiB, and this node leads %d chains", chains)
	testkit.Until(t, "it says what it lacks", func() bool {
		a.tick(nothing)
		return strings.HasPrefix(a.Scheduler(a.Latest()).IdleReason, want)
	})
	testkit.Until(t, "it would have been asked again several times", func() bool {
		a.tick(nothing)
		return a.Latest().Tick > 100
	})
	a.mu.Lock()
	failures, tables := a.failures, a.tables
	a.mu.Unlock()
	if len(failures) != 1 || !strings.HasPrefix(failures[0], want) || !strings.Contains(failures[0], "build it with the present pluginsdk") || len(tables) != 0 {
		t.Errorf("reported %q, %d tables", failures, len(tables))
	}
	if n := a.calls.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	table := a.next(func(s *snapshot.Snapshot) { s.Replicas = first(s.Replicas, 1000) })
	if len(table.Chains) != 1000 || a.calls.Load() != 2 {
		t.Errorf("%d chains after %d calls", len(table.Chains), a.calls.Load())
	}
}

// first returns the first n chains.
func first(list snapshot.Replicas, n int) snapshot.Replicas {
	return snapshot.ReplicasOf(slices.Collect(list.Values())[:n]...)
}
