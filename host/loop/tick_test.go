package loop

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// tickTimes collects when ticks ended, counted from the loop's start.
type tickTimes struct {
	rig *rig
	at  list[time.Duration]
}

func (c *tickTimes) option() option {
	return func(s *setup) {
		s.hooks.OnTick = func(time.Duration) { c.at.add(time.Since(c.rig.begun)) }
	}
}

func ms(ns ...int) []time.Duration {
	var out []time.Duration
	for _, n := range ns {
		out = append(out, time.Duration(n)*time.Millisecond)
	}
	return out
}

func TestCore295_TicksComeAtTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option())
		c.rig.run()
		pass(interval - 1)
		if got := c.at.all(); got != nil {
			t.Fatalf("ticks at %v, want the first after a whole interval", got)
		}
		pass(3*interval + 1)
		if want := ms(100, 200, 300, 400); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks at %v, want %v", c.at.all(), want)
		}
		if got := c.rig.count.stats().Ticks; got != 4 {
			t.Errorf("counted %d ticks, want 4", got)
		}
		if got := c.rig.LastTickAt(); !got.Equal(c.rig.begun.Add(400 * time.Millisecond)) {
			t.Errorf("last tick at %v", got)
		}
	})
}

func TestLateTickDelaysTheNextAndNoneIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option(), withHeavy(heavy{pass: 250 * time.Millisecond}))
		c.rig.run()
		pass(350 * time.Millisecond)
		if got := c.rig.Reader().Latest().Stats.LastTickTook; got != 250*time.Millisecond {
			t.Errorf("the snapshot of the first tick shows that it took %v, want 250ms", got)
		}
		for range 7 { // events wake the loop, but that is not a reason to tick
			c.rig.publish(holder(1, 2))
			pass(100 * time.Millisecond)
		}
		pass(50 * time.Millisecond)
		// 100 + 250, then an interval from the end of it, and so on.
		if want := ms(350, 700, 1050); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks ended at %v, want %v", c.at.all(), want)
		}
	})
}

func TestCore322_AtMost32EventsBetweenTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A fold takes longer than an interval, so a tick is due after every chunk.
		var folded []int
		r := newRig(t, withHeavy(heavy{fold: interval}), func(s *setup) {
			s.hooks.OnTick = func(time.Duration) { folded = append(folded, 0) }
		})
		inner := r.core.(heavy)
		inner.folded = func(mesh.Stamp, mesh.Input) {
			if len(folded) > 0 {
				folded[len(folded)-1]++
			}
		}
		r.core = inner
		var evs []mesh.Event
		for i := range 100 {
			evs = append(evs, holder(mesh.ChainID(i+1), 2))
		}
		r.publish(evs...)
		r.run()
		pass(110 * interval)
		// 32 go before the first tick is due; the rest in chunks, a tick after each.
		if len(folded) < 4 || !slices.Equal(folded[:3], []int{32, 32, 4}) {
			t.Errorf("between ticks were folded %v, want 32, 32 and 4", folded)
		}
	})
}

func TestFloodDoesNotStarveTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option(), withHeavy(heavy{fold: 100 * time.Microsecond}))
		r := c.rig
		for range 4 {
			go func() { // more than the loop can fold: the queue is always full
				for i := 0; ; i++ {
					if r.h.Publish(context.Background(), holder(mesh.ChainID(i%50+1), 2)) != nil {
						return
					}
				}
			}()
		}
		r.run()
		pass(10 * interval)
		if n := len(c.at.all()); n < 9 {
			t.Errorf("%d ticks in ten intervals under a flood, want at least 9", n)
		}
		if got := r.EventQueueDepth(); got < 900 {
			t.Errorf("the queue holds %d events; this was no flood", got)
		}
	})
}

func TestFloodDoesNotStarveTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withHeavy(heavy{fold: 100 * time.Microsecond}))
		go func() {
			for r.h.Publish(context.Background(), holder(1, 2)) == nil {
			}
		}()
		r.run()
		pass(interval / 2)
		if err := r.Feed().Report(t.Context(), mesh.FailureReport{Source: "x", Reason: "y"}); err != nil {
			t.Fatal(err)
		}
		if got := failures(r.ticks(1), "x"); len(got) != 1 {
			t.Errorf("failures are %q, want the one that was fed", got)
		}
	})
}

func TestLOP09_FullActionQueueDropsAndLogsOncePerTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withConfig(func(c *Config) { c.ActionQueue = 1 }))
		for i := range 5 {
			r.publish(holder(mesh.ChainID(i+1), this), holder(mesh.ChainID(i+1), 2),
				mesh.LocalReplicaIntent{Chain: mesh.ChainID(i + 1), Intent: mesh.HoldDrop})
		}
		// The daemon arm is there in every version of the core.
		for i := range 5 {
			d := mesh.DaemonRef{ID: mesh.DaemonID(i + 1), Name: "d"}
			r.publish(mesh.DaemonIntent{Daemon: d, Intent: mesh.IntentRun})
		}
		r.run()
		s := r.ticks(1)
		if s.Stats.ActionsEmitted != 1 || s.Stats.ActionsDropped < 4 {
			t.Errorf("emitted %d and dropped %d, want 1 and at least 4", s.Stats.ActionsEmitted, s.Stats.ActionsDropped)
		}
		if len(s.Emitted) != 1 {
			t.Errorf("emitted lists %+v, want only what went in", s.Emitted)
		}
		// The line is folded behind the tick, so the next snapshot shows it.
		if got := logged(r.ticks(1), "action queue is full"); len(got) != 1 {
			t.Errorf("log says %q, want one line", got)
		}
		if got := logged(r.ticks(1), "action queue is full"); len(got) != 2 {
			t.Errorf("log says %q, want one line per tick", got)
		}
		if got := r.ActionQueueDepth(); got != 1 {
			t.Errorf("the action queue holds %d, want 1", got)
		}
		first := <-r.Actions()
		r.ticks(1)
		if second := <-r.Actions(); second.ID <= first.ID || second.Action.Key() == first.Action.Key() {
			t.Errorf("then came %+v after %+v, want one of those that were dropped", second, first)
		}
	})
}

func TestCore301_ActionOfThisTickHasAgeZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3, Name: "d"}, Intent: mesh.IntentRun})
		s := r.ticks(1)
		if len(s.Emitted) != 1 || s.Emitted[0].At != s.Now {
			t.Fatalf("emitted is %+v, want one of age 0", s.Emitted)
		}
		if a := <-r.Actions(); a.ID != s.Emitted[0].ID || a.Action != (mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: 3, Name: "d"}}) {
			t.Errorf("handed out %+v, want the start that the snapshot shows", a)
		}
	})
}

func TestMeasuredSlowPeerIsAvoidedWithinTwoTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(mesh.RTTSample{Peer: 10, RTT: 300 * time.Millisecond})
		r.ticks(1)
		a := <-r.Actions()
		if _, ok := a.Action.(mesh.MarkAvoid); !ok {
			t.Fatalf("handed out %+v, want a mark", a)
		}
		if err := r.Feed().Outcome(t.Context(), mesh.Outcome{ID: a.ID, OK: true, Final: true}); err != nil {
			t.Fatal(err)
		}
		if s := r.ticks(1); s.AvoidList.Len() != 1 {
			t.Errorf("avoid list is %+v, want peer 10", s.AvoidList)
		}
	})
}

func TestPanickingHooksDoNotEndTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(s *setup) {
			s.hooks.Decorate = func(*snapshot.Snapshot) { panic("no paint") }
			s.hooks.OnTick = func(time.Duration) { panic("no clock") }
		})
		s := r.ticks(4)
		if s.Tick != 4 || len(failures(s, "hook:decorate")) != 1 || len(failures(s, "hook:on-tick")) != 1 {
			t.Errorf("tick %d, failures %+v; want 4 ticks and one failure of each", s.Tick, s.Failures)
		}
	})
}

func TestDecorateAddsToWhatIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(s *setup) {
			s.hooks.Decorate = func(s *snapshot.Snapshot) {
				s.Plugins = []snapshot.Plugin{{Name: "p"}}
				s.Stats.Dispatched = 17
			}
		})
		s := r.ticks(2)
		if len(s.Plugins) != 1 || s.Stats.Dispatched != 17 || s.Stats.Ticks != 2 {
			t.Errorf("plugins %+v and stats %+v, want both sides' part", s.Plugins, s.Stats)
		}
	})
}

func TestStampsNeverGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last mesh.Time
		r := newRig(t, withHeavy(heavy{fold: 3 * time.Millisecond, folded: func(at mesh.Stamp, _ mesh.Input) {
			if at.At < last {
				t.Errorf("an input of %v came after one of %v", at.At, last)
			}
			last = at.At
		}}), func(s *setup) { s.boot.At = mesh.Stamp{Wall: time.Now()} })
		r.Probes().AddLocality(rtts("p", mesh.RTTSample{Peer: 10, RTT: 1}))
		r.run()
		for i := range 60 {
			r.publish(holder(mesh.ChainID(i+1), 2))
			pass(7 * time.Millisecond)
		}
		if want := mesh.Time(300 * time.Millisecond); last < want {
			t.Errorf("the last stamp is %v, want past %v", last, want)
		}
	})
}

var _ core = heavy{core: node{}}
