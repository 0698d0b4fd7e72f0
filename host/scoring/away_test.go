package scoring_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
)

func TestB10_FailingScorerIsAskedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing error
		s := &scorer{name: "s", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			if failing != nil {
				return mesh.Scores{}, failing
			}
			return opinion(ctx, req)
		}}
		r := start(t, s)
		r.ticks(1)
		failing = errors.New("plugin s: PlacementScorer.Score: failed: out of cheese")
		s.asked()
		r.ticks(1, heldBy(1, 2, 3))
		r.idle("s: PlacementScorer.Score: failed: out of cheese")
		if asks := s.asked(); len(asks) != 1 || asks[0].Full {
			t.Errorf("asked %+v", asks)
		}
		for _, n := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600} {
			r.ticks(n - 1)
			if asks := s.asked(); len(asks) != 0 {
				t.Fatalf("asked %d times within %d ticks", len(asks), n-1)
			}
			r.ticks(1)
			if asks := s.asked(); len(asks) != 1 || !asks[0].Full {
				t.Fatalf("asked %+v after %d ticks, want once and whole", asks, n)
			}
		}
		if got := r.reported(); len(got) != 1 || got[0].Source != "placement_scorer:s" || got[0].Reason != "s: PlacementScorer.Score: failed: out of cheese" {
			t.Errorf("reported %+v, want it once", got)
		}
		if tables := r.handed(); len(tables) != 0 {
			t.Errorf("handed on %+v", tables)
		}
		failing = nil
		r.ticks(600)
		if got := r.status(); !got.Active || len(r.handed()) != 1 {
			t.Errorf("it answers again, but the snapshot shows %+v", got)
		}
		s.asked()
		r.ticks(1, heldBy(1, 2))
		if asks := s.asked(); len(asks) != 1 || asks[0].Full {
			t.Errorf("asked %+v, want the change", asks)
		}
	})
}

func TestB10_LateScorerHasNoOpinion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		s := &scorer{name: "s", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			if slow {
				<-ctx.Done()
				return mesh.Scores{}, context.Cause(ctx)
			}
			return opinion(ctx, req)
		}}
		r := start(t, s)
		r.ticks(1)
		slow = true
		r.ticks(20, heldBy(1, 2, 3)) // the deadline of a call is 10 s
		if asks := s.asked(); len(asks) != 2 {
			t.Errorf("asked %d times while a call was out", len(asks)-1)
		}
		r.ticks(1)
		r.idle("no answer within 10s")
	})
}

func TestB10_LyingScorerHasNoOpinion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lie func(*mesh.Scores)
		s := &scorer{name: "s", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			out, err := opinion(ctx, req)
			lie(&out)
			return out, err
		}}
		lie = func(out *mesh.Scores) { out.Chains = append(out.Chains, mesh.ChainScore{Chain: 8}) }
		r := start(t, s)
		r.ticks(1)
		if tables := r.handed(); len(tables) != 1 || len(tables[0].Chains) != 1 {
			t.Errorf("handed on %+v, want what is valid of it", tables)
		}
		r.ticks(1, heldBy(1, 2, 3))
		want := []mesh.FailureReport{{Source: "placement_scorer:s", Reason: "one opinion was left out: chain 8, which this node does not lead"}}
		if d := cmp.Diff(want, r.reported()); d != "" {
			t.Errorf("reported, want it once: %s", d)
		}
		lie = func(out *mesh.Scores) { out.ViewVersion-- }
		r.ticks(1, heldBy(1, 2))
		r.idle("it scored view 2, but was asked for view 3")
		lie = func(*mesh.Scores) { panic("cheese") }
		r.ticks(1)
		if got := r.status(); !strings.HasPrefix(got.IdleReason, "it panicked at away_test.go:") || !strings.HasSuffix(got.IdleReason, ": cheese") {
			t.Errorf("the snapshot shows %+v, want the panic", got)
		}
	})
}

func TestB10_RestartedScorerGetsTheWholeView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: opinion}
		r := start(t, s)
		ready := snapshot.Plugin{Name: "s", Status: snapshot.PluginReady, PID: 100}
		r.ticks(1, plugin(ready))
		s.asked()

		away := snapshot.Plugin{Name: "s", Status: snapshot.PluginBackingOff, Restarts: 1, Message: "signal: killed"}
		r.ticks(1, plugin(away))
		r.idle("s is backing off: signal: killed")
		r.ticks(100)
		if asks := s.asked(); len(asks) != 0 {
			t.Errorf("asked %+v although it is away", asks)
		}
		again := snapshot.Plugin{Name: "s", Status: snapshot.PluginReady, Restarts: 1, PID: 101}
		r.ticks(1, plugin(again))
		if asks := s.asked(); len(asks) != 1 || !asks[0].Full || len(r.handed()) != 1 {
			t.Errorf("asked %+v after the restart", asks)
		}
		// A restart so fast that no snapshot showed it away.
		again.Restarts, again.PID = 2, 102
		r.ticks(1, plugin(again))
		if asks := s.asked(); len(asks) != 1 || !asks[0].Full {
			t.Errorf("asked %+v after another", asks)
		}
		// A restart that no snapshot showed: the scorer returns ErrNoBase.
		s.mu.Lock()
		s.base = 0
		s.mu.Unlock()
		r.handed()
		r.ticks(1, heldBy(1, 2, 3))
		if asks := s.asked(); len(asks) != 2 || asks[0].Full || !asks[1].Full || asks[0].Version != asks[1].Version {
			t.Errorf("asked %+v, want the change and then the whole", asks)
		}
		if tables := r.handed(); len(tables) != 1 || len(tables[0].Chains) != 1 || len(r.reported()) != 0 {
			t.Errorf("handed on %+v", tables)
		}
	})
}

// Another process has not failed yet, so it is asked at once.
func TestB10_RestartEndsThePauseAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: func(context.Context, scoring.Request) (mesh.Scores, error) {
			return mesh.Scores{}, errors.New("broken")
		}}
		r := start(t, s)
		r.ticks(40, plugin(snapshot.Plugin{Name: "s", Status: snapshot.PluginReady, PID: 100}))
		s.asked()
		r.ticks(1)
		if asks := s.asked(); len(asks) != 0 {
			t.Fatalf("asked %+v in the pause", asks)
		}
		r.ticks(1, plugin(snapshot.Plugin{Name: "s", Status: snapshot.PluginReady, Restarts: 1, PID: 101}))
		if asks := s.asked(); len(asks) != 1 {
			t.Errorf("asked %+v, want once", asks)
		}
	})
}

func TestB10_APlaceholderIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: opinion}
		r := start(t, s)
		r.ticks(1)
		none := &scorer{name: "none", noOp: true}
		r.install(none)
		r.ticks(1)
		r.idle("there is no placement scorer")
		placeholder := &scorer{name: "p", noOp: true}
		r.install(placeholder)
		r.ticks(1, plugin(snapshot.Plugin{Name: "p", Status: snapshot.PluginReady}))
		r.idleStill("p is a placeholder without opinions")
		s.asked()
		r.install(s)
		r.ticks(1)
		if asks := s.asked(); len(asks) != 1 || !asks[0].Full || len(none.asked())+len(placeholder.asked()) != 0 {
			t.Errorf("asked %+v", asks)
		}
		// G-02: the table of the scorer before is taken back, however long the new one takes.
		r.handed()
		r.install(&scorer{name: "slow", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			<-ctx.Done()
			return mesh.Scores{}, ctx.Err()
		}})
		r.ticks(1)
		if tables := r.handed(); len(tables) != 1 || len(tables[0].Chains) != 0 {
			t.Errorf("handed on %+v", tables)
		}
	})
}

func TestB10_AwayIsNotAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: func(context.Context, scoring.Request) (mesh.Scores, error) {
			return mesh.Scores{}, scoring.ErrAway
		}}
		r := start(t, s)
		r.ticks(10)
		r.idleStill("the scorer is away")
		if got := r.reported(); len(got) != 0 {
			t.Errorf("reported %+v", got)
		}
	})
}
