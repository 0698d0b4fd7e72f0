package scoring_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// house is a driver at a real loop on the real core.
type house struct {
	*loop.Loop
	t      *testing.T
	driver *scoring.Driver
	h      *loop.Handle
}

// build runs a house in which this node leads chain 7, held by 1 and 2.
func build(t *testing.T, s scoring.Scorer) *house {
	t.Helper()
	b := &house{t: t}
	b.Loop = loop.New(loop.Config{}, state.New(state.Boot{Node: this, Policy: statetest.Policy()}))
	b.Slots().InstallScorer(s)
	b.driver = scoring.New(scoring.Options{
		Reader: b.Reader(), Feed: b.Feed(), Scorer: b.Slots().Scorer, Log: slog.New(slog.DiscardHandler),
	})
	b.h = b.Handle()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 2)
	go func() {
		decorate := func(s *snapshot.Snapshot) { s.Scheduler = b.driver.Scheduler(s) }
		if err := b.Run(ctx, loop.Hooks{Decorate: decorate}); err != nil {
			t.Errorf("the loop ended with %v", err)
		}
		ended <- struct{}{}
	}()
	go func() {
		b.driver.Run(ctx)
		ended <- struct{}{}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		<-ended
	})
	b.publish(
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 1},
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 2},
		mesh.ReplicaLeader{Chain: 7, Leader: this},
		mesh.PlacementIntent{Chain: 7, Desired: 2},
		mesh.HealthSample{Peer: 2, Health: mesh.HealthDegraded},
		mesh.HealthSample{Peer: 4, Health: mesh.HealthHealthy},
	)
	return b
}

func (b *house) publish(evs ...mesh.Event) {
	b.t.Helper()
	if _, err := b.h.PublishBatch(b.t.Context(), evs); err != nil {
		b.t.Fatal(err)
	}
}

// decided returns what was handed out within some ticks. Each action succeeds at once.
func (b *house) decided(ticks int) (out []mesh.Action) {
	b.t.Helper()
	for range ticks {
		time.Sleep(tick)
		synctest.Wait()
		for len(b.Actions()) > 0 {
			a := <-b.Actions()
			out = append(out, a.Action)
			if err := b.Feed().Outcome(b.t.Context(), mesh.Outcome{ID: a.ID, OK: true, Final: true}); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	return out
}

func TestB10a_BadHolderIsReplacedFirstAndThenEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, &scorer{name: "s", answer: opinion})
		want := []mesh.Action{mesh.RequestPlacement{Chain: 7, Exclude: []mesh.NodeID{1, 2}, Target: 4, Replaces: 2}}
		if d := cmp.Diff(want, b.decided(4)); d != "" {
			t.Fatalf("first the placement: %s", d)
		}
		s := b.Reader().Latest()
		if !s.Scheduler.Active || s.Scheduler.Moving != 1 || s.Scheduler.ChainsScored != 1 {
			t.Errorf("the snapshot shows %+v", s.Scheduler)
		}
		b.publish(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 4})
		if d := cmp.Diff([]mesh.Action{mesh.RequestEviction{Chain: 7, Victim: 2}}, b.decided(4)); d != "" {
			t.Fatalf("once the target holds the chain, the eviction: %s", d)
		}
		b.publish(mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: 7, Holder: 2})
		if got := b.decided(100); len(got) != 0 || b.Reader().Latest().Scheduler.Moving != 0 {
			t.Errorf("handed out %v after the move", got)
		}
		if h, ok := b.driver.History(7); !ok || h.Current != 0.9 || h.Trend == scoring.Degrading {
			t.Errorf("history %+v, want the bad holder gone from it", h)
		}
	})
}

// Whatever is wrong with the scorer, nothing is moved, and the snapshot shows why.
func TestB10_NothingIsMovedWithoutGoodScores(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(context.Context, scoring.Request) (mesh.Scores, error)
		why    string
	}{
		{"away", func(context.Context, scoring.Request) (mesh.Scores, error) {
			return mesh.Scores{}, scoring.ErrAway
		}, "the scorer is away"},
		{"late", func(ctx context.Context, _ scoring.Request) (mesh.Scores, error) {
			<-ctx.Done()
			return mesh.Scores{}, errors.New("no answer in time")
		}, "no answer in time"},
		{"wrong", func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			req.Version--
			return opinion(ctx, req)
		}, "it scored view"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := build(t, &scorer{name: "s", answer: c.answer})
				if got := b.decided(60); len(got) != 0 {
					t.Errorf("handed out %v", got)
				}
				got := b.Reader().Latest().Scheduler
				if got.Active || len(got.IdleReason) < len(c.why) || got.IdleReason[:len(c.why)] != c.why {
					t.Errorf("the snapshot shows %+v, want %q", got, c.why)
				}
			})
		})
	}
}

// A good table is no longer a reason to move anything once its scorer fails.
func TestB10_TableOfAScorerThatFailedMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails atomic.Bool
		b := build(t, &scorer{name: "s", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			if fails.Load() {
				return mesh.Scores{}, errors.New("broken")
			}
			return opinion(ctx, req)
		}})
		b.publish(mesh.AdminReceived{Event: mesh.Cordon{Node: 4}}) // the table is there, the target is not allowed
		if got := b.decided(4); len(got) != 0 || !b.Reader().Latest().Scheduler.Active {
			t.Fatalf("handed out %v, the snapshot shows %+v", got, b.Reader().Latest().Scheduler)
		}
		fails.Store(true)
		b.publish(mesh.HealthSample{Peer: 2, Health: mesh.HealthHealthy}, mesh.HealthSample{Peer: 2, Health: mesh.HealthDegraded}, mesh.HealthSample{Peer: 9, Health: mesh.HealthDegraded})
		if got := b.decided(2); len(got) != 0 {
			t.Fatalf("handed out %v", got)
		}
		b.publish(mesh.AdminReceived{Event: mesh.Uncordon{Node: 4}})
		if got := b.decided(20); len(got) != 0 {
			t.Errorf("handed out %v on the table of a scorer that failed", got)
		}
		fails.Store(false)
		if got := b.decided(70); len(got) == 0 {
			t.Error("nothing is moved although the scorer answers again")
		}
	})
}

// A scorer that takes its time delays neither ticks nor readers.
func TestB10_SlowScorerDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, &scorer{name: "s", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			<-ctx.Done()
			return mesh.Scores{}, ctx.Err()
		}})
		b.decided(100)
		if got := b.Reader().Latest().Tick; got != 100 {
			t.Errorf("%d ticks of 100", got)
		}
	})
}
