package catalog_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// pagedView is a whole view of that many chains, a page for each ten.
func pagedView(chains int) catalog.PagedView {
	return catalog.PagedView{Version: 5, Full: true, Chains: chains, Pages: func(yield func(*pluginv1.ScoreViewPage) bool) {
		page := &pluginv1.ScoreViewPage{ViewVersion: 5, Full: true}
		for id := 1; id <= chains; id++ {
			page.Chains, page.HolderCounts, page.Desired = append(page.Chains, uint64(id)), append(page.HolderCounts, 1), append(page.Desired, 1)
			page.Holders = append(page.Holders, 2)
			if id%10 == 0 || id == chains {
				if !yield(page) {
					return
				}
				page = &pluginv1.ScoreViewPage{}
			}
		}
	}}
}

func startPaged(t *testing.T, mode string, change ...func(*catalog.Entry)) (*rig, *catalog.Scorer) {
	t.Helper()
	r := start(t, []catalog.Entry{entry("testplugin", mode, change...)})
	r.waitFor("testplugin", snapshot.PluginReady)
	scorer := r.Scorer()
	if !scorer.InPages() {
		t.Fatal("it is taken for a scorer of version 1")
	}
	return r, scorer
}

func TestScoresComeInPages(t *testing.T) {
	_, scorer := startPaged(t, "pages-good")
	for range 2 {
		table, err := scorer.ScorePages(t.Context(), pagedView(1000))
		if err != nil || table.ViewVersion != 5 || len(table.Chains) != 1000 || table.Chains[999].Holders[0] != (mesh.NodeScore{Node: 2, Score: 0.5}) {
			t.Fatalf("%d chains of view %d, %v", len(table.Chains), table.ViewVersion, err)
		}
	}
}

// The view and the answer are each more than fits on the way.
func TestAPluginMayAnswerBeforeItHasReadTheView(t *testing.T) {
	_, scorer := startPaged(t, "pages-early")
	table, err := scorer.ScorePages(t.Context(), pagedView(50_000))
	if err != nil || len(table.Chains) != 50_000 {
		t.Fatalf("%d chains, %v", len(table.Chains), err)
	}
}

// What is wrong with single scores is left out and reported once, what is wrong with an
// answer makes it useless.
func TestPagesOfScoresAreChecked(t *testing.T) {
	r, scorer := startPaged(t, "pages-strange")
	for range 2 {
		table, err := scorer.ScorePages(t.Context(), pagedView(3))
		if err != nil {
			t.Fatal(err)
		}
		// That this node does not lead 99, and that 1 comes twice, is for host/scoring to find.
		if len(table.Chains) != 5 || len(table.Chains[0].Holders) != 1 || table.Chains[0].Best != nil || table.Chains[0].Cost != nil ||
			table.Chains[1].Best == nil || *table.Chains[1].Cost != (mesh.MigrationCost{StateTransfer: time.Second, Reliability: 1}) || table.Chains[2].Cost != nil {
			t.Fatalf("got %+v", table.Chains)
		}
	}
	if reported := r.lines(&r.failures); len(reported) != 1 {
		t.Errorf("reported %d times", len(reported))
	}
	for _, want := range []string{
		"score without a node (chain 1)", "score not finite (chain 1, node 3: NaN)", "holder twice in a chain's scores (chain 1, node 2)",
		"score without a chain", "cost that is negative or not finite (chain 1)", "cost that the page does not have (chain 3: 9 of 2)",
	} {
		if !r.contains(&r.failures, want)() {
			t.Errorf("no word of %q in %q", want, r.lines(&r.failures))
		}
	}

	for mode, want := range map[string]string{
		"pages-columns": "3 holders but 2 scores",
		"pages-counts":  "the holder_counts add up to 4294967297, but there are 3 holders",
		"pages-version": "it scored view 12, but was asked for view 5",
		"pages-changes": "it has only changes, but the whole view was sent",
		"pages-none":    "it has no page",
		"pages-empty":   "page 2 is empty",
		"pages-endless": "its first 1001 pages have 3003 chains: put more into each",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			_, scorer := startPaged(t, mode)
			table, err := scorer.ScorePages(t.Context(), pagedView(6))
			if !errors.Is(err, catalog.ErrBadAnswer) || len(table.Chains) != 0 {
				t.Fatalf("%d chains, error %v", len(table.Chains), err)
			}
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "its author has to fix that") {
				t.Errorf("error %q, want %q", err, want)
			}
		})
	}
}

// An answer that takes longer than the timeout is fine as long as its pages come.
func TestTheTimeoutIsThatOfEachPage(t *testing.T) {
	t.Parallel()
	_, scorer := startPaged(t, "pages-slow", func(e *catalog.Entry) { e.Timeout = 8 * time.Second })
	table, err := scorer.ScorePages(t.Context(), pagedView(300)) // 100 pages, one each 100 ms
	if err != nil || len(table.Chains) != 300 {
		t.Fatalf("%d chains, %v", len(table.Chains), err)
	}
}

func TestNothingIsLeftOfAnAnswerThatBreaksOff(t *testing.T) {
	t.Run("it dies between two pages", func(t *testing.T) {
		t.Parallel()
		_, scorer := startPaged(t, "pages-crash")
		if _, err := scorer.ScorePages(t.Context(), pagedView(60)); err != nil {
			t.Fatal(err)
		}
		table, err := scorer.ScorePages(t.Context(), pagedView(60))
		if !errors.Is(err, catalog.ErrUnavailable) || len(table.Chains) != 0 {
			t.Errorf("%d chains, error %v", len(table.Chains), err)
		}
	})
	t.Run("it hangs between two pages", func(t *testing.T) {
		t.Parallel()
		r, scorer := startPaged(t, "pages-hang", func(e *catalog.Entry) { e.Timeout = 5 * time.Second })
		if _, err := scorer.ScorePages(t.Context(), pagedView(60)); err != nil {
			t.Fatal(err)
		}
		table, err := scorer.ScorePages(t.Context(), pagedView(60))
		if !errors.Is(err, catalog.ErrDeadline) || len(table.Chains) != 0 {
			t.Errorf("%d chains, error %v", len(table.Chains), err)
		}
		r.waitFor("testplugin", snapshot.PluginLagging)
	})
	t.Run("nobody waits for it any more", func(t *testing.T) {
		t.Parallel()
		_, scorer := startPaged(t, "pages-hang")
		if _, err := scorer.ScorePages(t.Context(), pagedView(60)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := scorer.ScorePages(ctx, pagedView(60)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}
