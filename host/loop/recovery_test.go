package loop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func TestRecoveryRunsBeforeThePassAndGetsTheHealthyPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(mesh.HealthSample{Peer: 12, Health: mesh.HealthHealthy},
			mesh.HealthSample{Peer: 11, Health: mesh.HealthUnreachable}, mesh.HealthSample{Peer: 10, Health: mesh.HealthHealthy})
		r.ticks(1)
		var healthy list[[]mesh.NodeID]
		r.Handlers().Add(r.handler("slots", func(_ context.Context, h []mesh.NodeID) ([]mesh.Event, error) {
			healthy.add(h)
			return []mesh.Event{mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentRun}}, nil
		}))
		s := r.ticks(1)
		if want := []mesh.NodeID{10, 12}; !slices.Equal(healthy.all()[0], want) {
			t.Errorf("the handler got %v as healthy, want %v", healthy.all()[0], want)
		}
		if len(s.Emitted) != 1 || s.Stats.EventsApplied != 4 {
			t.Errorf("emitted %+v after %d events, want the recovered daemon started in the same tick, after 4",
				s.Emitted, s.Stats.EventsApplied)
		}
	})
}

func TestREC02_HandlerMayAddAnotherWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var ran []string
		var add sync.Once
		r.Handlers().Add(r.handler("first", func(context.Context, []mesh.NodeID) ([]mesh.Event, error) {
			add.Do(func() {
				r.Handlers().Add(r.handler("second", func(context.Context, []mesh.NodeID) ([]mesh.Event, error) {
					return []mesh.Event{mesh.LogLine{Message: "second"}}, nil
				}))
			})
			return []mesh.Event{mesh.LogLine{Message: "first"}}, nil
		}))
		for _, l := range r.ticks(2).Logs {
			ran = append(ran, l.Message)
		}
		slices.Sort(ran[1:]) // handlers are called concurrently, and publish when they are done
		if want := []string{"first", "first", "second"}; !slices.Equal(ran, want) || r.Handlers().count() != 2 {
			t.Errorf("ran %v of %d handlers, want %v of 2", ran, r.Handlers().count(), want)
		}
	})
}

func TestREC03_SlowHandlerDelaysNobodyButItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option())
		r := c.rig
		remove := r.Handlers().Add(r.handler("slow", func(ctx context.Context, _ []mesh.NodeID) ([]mesh.Event, error) {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			return []mesh.Event{holder(1, 2)}, nil
		}))
		r.run()
		pass(interval + budget/2)
		begun := time.Now()
		r.Handlers().Add(r.handler("other", func(context.Context, []mesh.NodeID) ([]mesh.Event, error) { return nil, nil }))
		if took := time.Since(begun); took > 0 {
			t.Errorf("adding took %v", took)
		}
		pass(4*interval - budget/2)
		// The call of the tick at 100 returns at 300; the tick at 320 folds its answer and
		// calls again, without waiting, since the last answer was late.
		if want := ms(120, 220, 320, 420); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks ended at %v, want %v", c.at.all(), want)
		}
		if holds(r.Reader().Latest(), 1) == nil {
			t.Error("what the slow handler recovered is not folded")
		}
		remove()
		if got := r.Handlers().count(); got != 1 {
			t.Errorf("%d handlers are left, want 1", got)
		}
	})
}

func TestPanickingHandlerIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		calls := 0
		r.Handlers().Add(r.handler("bad", func(context.Context, []mesh.NodeID) ([]mesh.Event, error) {
			if calls++; calls < 3 {
				panic("no slots")
			}
			return []mesh.Event{holder(1, 2)}, nil
		}))
		s := r.ticks(3)
		if got := failures(s, "recovery_handler:bad"); len(got) != 1 || !strings.Contains(got[0], "no slots") {
			t.Errorf("failures are %q, want one", got)
		}
		if holds(s, 1) == nil || r.Handlers().count() != 1 {
			t.Error("the events of the handler are not folded although it works again")
		}
	})
}

func TestMigrationsAreFoldedAtTheNextTickAndNeverWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option())
		r := c.rig
		var fail atomic.Pointer[error]
		fail.Store(new(error))
		slow := &lister{"orchestrator", func(context.Context) ([]mesh.Migration, error) {
			time.Sleep(interval / 2)
			return []mesh.Migration{{ID: 9}, {ID: 4}}, *fail.Load()
		}}
		if prev := r.Slots().InstallMigrationSources(slow); prev != nil {
			t.Errorf("an empty slot held %v", prev)
		}
		r.run()
		if s := r.ticks(1); len(s.Migrations) != 0 {
			t.Errorf("migrations are %+v before the source answered", s.Migrations)
		}
		if s := r.ticks(1); len(s.Migrations) != 2 || s.Migrations[0].ID != 4 {
			t.Errorf("migrations are %+v, want 4 and 9", s.Migrations)
		}
		fail.Store(ptr(errors.New("503")))
		s := r.ticks(3)
		if got := failures(s, "migration_source:orchestrator"); len(got) != 1 || len(s.Migrations) != 2 {
			t.Errorf("failures %q and migrations %+v, want one and those known before", got, s.Migrations)
		}
		if prev := r.Slots().InstallMigrationSources(); len(prev) != 1 || prev[0] != slow {
			t.Errorf("the slot held %v, want the source", prev)
		}
		if s := r.ticks(1); len(s.Migrations) != 0 {
			t.Errorf("migrations are %+v although nobody lists any", s.Migrations)
		}
		if want := ms(100, 200, 300, 400, 500, 600); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks ended at %v, want %v", c.at.all(), want)
		}
	})
}

// Each of several sources has a list of its own: one that fails or goes takes no other one's away.
func TestSeveralMigrationSourcesAreListedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var fail atomic.Bool
		lists := func(name string, ids ...mesh.MigrationID) lister {
			return lister{name, func(context.Context) (out []mesh.Migration, err error) {
				if fail.Load() && name == "b" {
					return nil, errors.New("503")
				}
				for _, id := range ids {
					out = append(out, mesh.Migration{ID: id})
				}
				return out, nil
			}}
		}
		want := func(ids ...mesh.MigrationID) {
			t.Helper()
			var got []mesh.MigrationID
			for _, m := range r.ticks(2).Migrations {
				got = append(got, m.ID)
			}
			if !slices.Equal(got, ids) {
				t.Errorf("migrations are %v, want %v", got, ids)
			}
		}
		a, b := lists("a", 9, 2), lists("b", 4, 9)
		r.Slots().InstallMigrationSources(a, b)
		r.run()
		want(2, 4, 9)
		fail.Store(true)
		want(2, 4, 9)
		r.Slots().InstallMigrationSources(a)
		want(2, 9)
	})
}

func TestMigrationsListedAtOnceAreFoldedAtTheNextTickToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Slots().InstallMigrationSources(lister{"quick", func(context.Context) ([]mesh.Migration, error) {
			return []mesh.Migration{{ID: 4}}, nil
		}})
		// A probe that takes its time, so that the list is there before the fold.
		r.Probes().AddLocality(rttProbe{"slow", func(context.Context) ([]mesh.RTTSample, error) {
			time.Sleep(budget / 2)
			return nil, nil
		}})
		r.run()
		pass(interval + budget)
		if s := r.Reader().Latest(); s.Tick != 1 || len(s.Migrations) != 0 {
			t.Errorf("tick %d shows %+v, want the first without the list", s.Tick, s.Migrations)
		}
		pass(interval)
		if s := r.Reader().Latest(); s.Tick != 2 || len(s.Migrations) != 1 {
			t.Errorf("tick %d shows %+v, want the second with the list", s.Tick, s.Migrations)
		}
	})
}

// A shutdown that comes while a tick waits for answers ends the loop before the pass.
func TestAShutdownAmongRecoveredEventsEndsTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Handlers().Add(r.handler("granted", func(context.Context, []mesh.NodeID) ([]mesh.Event, error) {
			return []mesh.Event{mesh.Shutdown{}, holder(1, 2)}, nil
		}))
		if err := r.mustEnd(10 * interval); err != nil {
			t.Error(err)
		}
		if s := r.Reader().Latest(); s.Tick != 0 || holds(s, 1) != nil {
			t.Errorf("tick %d shows %v", s.Tick, s.Replicas)
		}
	})
}
