package scoring_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
)

func TestB10_SCH11_13_14_16_WholeViewOnceAndChangesAfterThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: opinion}
		r := start(t, s)
		if got := r.status(); got.Active || got.IdleReason != "nothing was scored yet" || got.Age != nil {
			t.Errorf("before the first tick: %+v", got)
		}
		r.ticks(1)
		asks := s.asked()
		if len(asks) != 1 || !asks[0].Full || asks[0].Version != 1 || len(asks[0].Nodes) != 4 || len(asks[0].Chains) != 1 {
			t.Fatalf("asked %+v", asks)
		}
		want, _ := opinion(t.Context(), asks[0])
		if d := cmp.Diff([]mesh.Scores{want}, r.handed()); d != "" {
			t.Error(d)
		}
		time.Sleep(3 * time.Second)
		if got := r.status(); !got.Active || got.IdleReason != "" || got.ViewVersion != 1 || *got.Age != 3*time.Second || got.ChainsScored != 1 {
			t.Errorf("the snapshot shows %+v", got)
		}

		// Without a change the scorer is not asked (SCH-13), until the interval is over.
		r.ticks(50)
		if asks := s.asked(); len(asks) != 0 {
			t.Fatalf("asked %+v without a change", asks)
		}
		r.ticks(10)
		asks = s.asked()
		if len(asks) != 1 || asks[0].Full || asks[0].Base != 1 || len(asks[0].Nodes)+len(asks[0].Chains) != 0 {
			t.Fatalf("asked %+v at the end of the interval", asks)
		}
		last := asks[0].Version
		if tables := r.handed(); len(tables) != 1 || tables[0].ViewVersion != last {
			t.Errorf("handed on %+v", tables)
		}

		// SCH-16: a holder that comes is a change at once.
		r.ticks(1, heldBy(1, 2, 3))
		asks = s.asked()
		if len(asks) != 1 || asks[0].Base != last || len(asks[0].Chains) != 1 || len(asks[0].Nodes) != 0 {
			t.Errorf("asked %+v after a holder came", asks)
		}
		// SCH-14: and so is a fact about a node.
		r.ticks(1, peerIs(3, func(p *snapshot.Peer) { p.Health = mesh.HealthDegraded }))
		asks = s.asked()
		if len(asks) != 1 || len(asks[0].Nodes) != 1 || asks[0].Nodes[0].Peer.Node != 3 {
			t.Errorf("asked %+v after a node degraded", asks)
		}
		if h, ok := r.History(7); !ok || h.Current != 0.3 || len(h.Samples) != 2 {
			t.Errorf("history %+v", h)
		}
		// SCH-11: a chain that is no longer led leaves nothing behind.
		r.ticks(1, ledBy(2))
		if _, ok := r.History(7); ok {
			t.Error("the history of a chain that is not led any more was kept")
		}
		r.idle("this node leads no chain that anybody holds")
		r.ticks(100)
		if asks := s.asked(); len(asks) != 0 {
			t.Errorf("asked %+v while this node leads no chain", asks)
		}
		r.ticks(1, ledBy(this))
		if asks := s.asked(); len(asks) != 1 || !asks[0].Full {
			t.Errorf("asked %+v when it leads one again", asks)
		}
	})
}

// Jitter of round trips is not a reason to score anything before the interval is over;
// then the scorer gets it.
func TestB10_JitterHasNothingScoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: opinion}
		r := start(t, s)
		r.ticks(1)
		s.asked()
		for i := range 55 {
			rtt := 20*time.Millisecond + time.Duration(i%9-4)*time.Millisecond
			r.ticks(1, peerIs(2, func(p *snapshot.Peer) { p.RTT = rtt }))
		}
		if asks := s.asked(); len(asks) != 0 {
			t.Errorf("asked %d times for jitter", len(asks))
		}
		r.ticks(10)
		if asks := s.asked(); len(asks) != 1 || len(asks[0].Nodes) != 1 || asks[0].Nodes[0].Peer.RTT != 16*time.Millisecond {
			t.Errorf("asked %+v at the end of the interval", asks)
		}
	})
}

// A slow answer is for the tick whose view was scored; what changed meanwhile is in the
// next request.
func TestB10_SlowAnswerIsForTheViewThatWasScored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: func(ctx context.Context, req scoring.Request) (mesh.Scores, error) {
			time.Sleep(2*time.Second + tick/5)
			return opinion(ctx, req)
		}}
		r := start(t, s)
		r.ticks(1)
		r.ticks(4, heldBy(1, 2, 3))
		if tables := r.handed(); len(tables) != 0 {
			t.Errorf("handed on %+v before an answer", tables)
		}
		r.ticks(1)
		tables, asks := r.handed(), s.asked()
		if len(tables) != 1 || tables[0].ViewVersion != 1 {
			t.Errorf("handed on %+v, want it for tick 1", tables)
		}
		if len(asks) != 2 || asks[1].Version <= 1 || len(asks[1].Chains) != 1 {
			t.Errorf("asked %+v", asks)
		}
	})
}

func TestB10_TableThatTheLoopDoesNotTakeIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scorer{name: "s", answer: opinion}
		r := start(t, s)
		r.mu.Lock()
		r.full = true
		r.mu.Unlock()
		r.ticks(1)
		r.idleStill("the loop takes no scores")
		r.mu.Lock()
		r.full = false
		r.mu.Unlock()
		r.ticks(1)
		if tables := r.handed(); len(tables) != 1 || !r.status().Active {
			t.Errorf("handed on %+v", tables)
		}
	})
}

func TestSchedulerShowsWhyNothingIsMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scorer{name: "s", answer: opinion})
		r.ticks(1)
		for want, change := range map[string]func(*snapshot.Snapshot){
			"":                      func(s *snapshot.Snapshot) {},
			"the cluster is frozen": func(s *snapshot.Snapshot) { s.Frozen = snapshot.At(mesh.Time(time.Hour)) },
			"this node is in maintenance, or entering or leaving it": func(s *snapshot.Snapshot) { s.Maintenance.Phase = mesh.PhaseRecovery },
		} {
			s := *r.Latest()
			s.Moving = 2
			change(&s)
			if got := r.Scheduler(&s); got.Active != (want == "") || got.IdleReason != want || got.Moving != 2 {
				t.Errorf("got %+v, want %q", got, want)
			}
		}
		time.Sleep(2*interval + time.Second)
		if got := r.status(); got.Active || got.IdleReason != "the scores are 1m1s old" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestDriverEndsWithTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scorer{name: "s", answer: opinion})
		r.End()
		synctest.Wait()
		select {
		case <-r.ended:
		default:
			t.Error("the driver still runs although the loop has ended")
		}
	})
}
