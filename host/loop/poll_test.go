package loop

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func TestBudgetIsWaitedForWhileEventsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		var seen list[mesh.Time]
		c.rig = newRig(t, c.option(), withJournal(func(at mesh.Stamp, in mesh.Input) {
			if _, ok := in.(mesh.Heard); ok {
				seen.add(at.At)
			}
		}))
		r := c.rig
		r.Probes().AddLocality(rttProbe{"slow", func(context.Context) ([]mesh.RTTSample, error) {
			time.Sleep(15 * time.Millisecond)
			return []mesh.RTTSample{{Peer: 10, RTT: time.Millisecond}}, nil
		}})
		r.run()
		pass(interval + 10*time.Millisecond) // while the tick waits
		r.publish(holder(1, 2))
		synctest.Wait()
		if want := []mesh.Time{mesh.Time(110 * time.Millisecond)}; !slices.Equal(seen.all(), want) {
			t.Errorf("events were folded at %v, want at once, at %v", seen.all(), want)
		}
		if got := c.at.all(); got != nil {
			t.Fatalf("ticked at %v although an answer was out", got)
		}
		pass(10 * time.Millisecond)
		if want := ms(115); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticked at %v, want %v: when all had answered, before the budget was over", c.at.all(), want)
		}
		if peer(r.Reader().Latest(), 10) == nil {
			t.Error("the answer is not in the tick that waited for it")
		}
	})
}

func TestLateAnswerIsFoldedAtTheNextTickInItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order list[string]
		r := newRig(t, withJournal(func(at mesh.Stamp, in mesh.Input) {
			if s, ok := in.(mesh.Samples); ok {
				order.add(fmt.Sprintf("%s@%d", s.Probe, time.Duration(at.At).Milliseconds()))
			}
		}))
		call := 0
		r.Probes().AddLocality(rttProbe{"late", func(context.Context) ([]mesh.RTTSample, error) {
			switch call++; call {
			case 1:
				time.Sleep(budget + 10*time.Millisecond)
			case 2:
				time.Sleep(time.Millisecond)
			}
			return []mesh.RTTSample{{Peer: 10, RTT: time.Duration(call)}}, nil
		}})
		r.Probes().AddLocality(rtts("quick"))
		r.run()
		pass(interval + budget)
		s := r.Reader().Latest()
		if s.Tick != 1 || peer(s, 10) != nil {
			t.Fatalf("after %d ticks the peers are %+v, want one tick without the answer", s.Tick, s.Peers)
		}
		pass(interval)
		// The first tick ends at 120, so the second is due at 220. It calls the late probe
		// again but does not wait for it; the third folds that answer, calls the probe and
		// waits again.
		pass(interval)
		if want := []string{"quick@120", "late@220", "quick@220", "late@320", "late@320", "quick@320"}; !slices.Equal(order.all(), want) {
			t.Errorf("folded %v, want %v: the late answer, then the new one, before those registered after it", order.all(), want)
		}
		if p := peer(r.Reader().Latest(), 10); p == nil || p.RTT != 3 {
			t.Errorf("peer is %+v, want what the newer answer says", p)
		}
	})
}

func TestP1_HungProbeCostsOneBudgetOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option())
		r := c.rig
		var calls atomic.Int64
		release := make(chan struct{})
		r.Probes().AddHealth(verdictProbe{"hung", func(context.Context) ([]mesh.HealthSample, error) {
			if n := calls.Add(1); n == 1 || n == 6 {
				<-release // whatever the context says
			}
			return []mesh.HealthSample{{Peer: 10, Health: mesh.HealthHealthy}}, nil
		}})
		r.Probes().AddLocality(rtts("well", mesh.RTTSample{Peer: 11, RTT: 1}))
		r.run()
		pass(450 * time.Millisecond)
		if want := ms(120, 220, 320, 420); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks ended at %v, want %v", c.at.all(), want)
		}
		if got := calls.Load(); got != 1 {
			t.Errorf("the hung probe was called %d times, want once", got)
		}
		if peer(r.Reader().Latest(), 11) == nil {
			t.Error("the answers of the other probe are missing")
		}

		pass(callTimeout)
		if got := failures(r.Reader().Latest(), "health_probe:hung"); len(got) != 1 {
			t.Errorf("failures are %q, want one that reports that it hangs", got)
		}
		release <- struct{}{}
		s := r.ticks(3)
		if peer(s, 10) == nil || calls.Load() < 2 {
			t.Errorf("the probe was called %d times and peers are %+v, want it called again and its answer folded", calls.Load(), s.Peers)
		}
		if got := logged(s, "health_probe:hung answers again"); len(got) != 1 {
			t.Errorf("log says %q, want that it answers again", got)
		}

		pass(5*interval + callTimeout)
		if got := failures(r.Reader().Latest(), "health_probe:hung"); len(got) != 2 {
			t.Errorf("failures are %q, want a second one when it hangs again", got)
		}
		release <- struct{}{}
	})
}

func TestHungProbeThatIsRemovedIsCancelledAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var cancelled atomic.Bool
		remove := r.Probes().AddLocality(rttProbe{"stale", func(ctx context.Context) ([]mesh.RTTSample, error) {
			<-ctx.Done()
			cancelled.Store(true)
			return []mesh.RTTSample{{Peer: 10, RTT: 1}}, nil
		}})
		pass(interval + budget)
		remove()
		s := r.ticks(2)
		if !cancelled.Load() || peer(s, 10) != nil {
			t.Errorf("cancelled: %v, peers: %+v; want the call cancelled and its answer forgotten", cancelled.Load(), s.Peers)
		}
		r.cancel()
		r.mustEnd(time.Second)
		if n := len(r.poll.callers); n != 0 {
			t.Errorf("the loop still keeps %d callers", n)
		}
	})
}

func TestEveryCallHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddLocality(rttProbe{"patient", func(ctx context.Context) ([]mesh.RTTSample, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		pass(interval + callTimeout + 3*interval)
		got := failures(r.Reader().Latest(), "locality_probe:patient")
		if len(got) == 0 || got[len(got)-1] != context.DeadlineExceeded.Error() {
			t.Errorf("failures are %q, want the last to be the deadline", got)
		}
	})
}

func TestP1_AProbeThatIsAlwaysLateCostsOneBudgetOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fast atomic.Bool
		r := newRig(t)
		r.Probes().AddLocality(rttProbe{"slow", func(ctx context.Context) ([]mesh.RTTSample, error) {
			if !fast.Load() {
				time.Sleep(2 * budget)
			}
			return []mesh.RTTSample{{Peer: 5, RTT: time.Millisecond}}, nil
		}})
		r.run()
		pass(interval + budget)
		if n := r.count.stats().Ticks; n != 1 {
			t.Fatalf("%d ticks after an interval and a budget, want 1", n)
		}
		pass(5 * interval)
		if n := r.count.stats().Ticks; n != 6 {
			t.Errorf("%d ticks five intervals later, want 6: a late probe is waited for again and again", n)
		}
		if p := peer(r.Reader().Latest(), 5); p == nil || !p.HasRTT {
			t.Error("its late answer is not folded")
		}
		fast.Store(true)
		pass(2 * interval)
		if n := r.count.stats().Ticks; n != 8 {
			t.Errorf("%d ticks, want 8", n)
		}
	})
}
