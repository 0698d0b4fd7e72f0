package loop

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// ticksOf returns the ticks that a recorder got.
func ticksOf(n *notes) []string {
	return slices.DeleteFunc(n.all(), func(s string) bool { return !strings.Contains(s, "tick") })
}

func cordonNode(n mesh.NodeID) mesh.Event { return mesh.AdminReceived{Event: mesh.Cordon{Node: n}} }

func cordoned(s *snapshot.Snapshot, n mesh.NodeID) bool {
	p := peer(s, n)
	return p != nil && p.Cordoned
}

func TestAnOrderDoesNotWaitForTheNextTickAndDoesNotMoveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		asked := 0
		r := start(t, withRecorder(n))
		r.Probes().AddLocality(rttProbe{"near", func(context.Context) ([]mesh.RTTSample, error) { asked++; return nil, nil }})
		r.ticks(1)
		pass(50 * time.Millisecond)
		r.publish(cordonNode(3))
		synctest.Wait()
		if s := r.Reader().Latest(); !cordoned(s, 3) || s.Tick != 2 || s.Regular != 1 || s.Stats.Ticks != 1 || s.Stats.EarlyTicks != 1 {
			t.Errorf("shown at once: cordoned %v, tick %d, regular %d, stats %+v", cordoned(s, 3), s.Tick, s.Regular, s.Stats)
		}
		pass(2 * interval)
		want := []string{"100ms tick 1024", "150ms early tick 1024", "200ms tick 1024", "300ms tick 1024"}
		if got := ticksOf(n); !slices.Equal(got, want) {
			t.Errorf("ticks %q, want %q", got, want)
		}
		if asked != 3 {
			t.Errorf("the probe was asked %d times, want at the 3 regular ticks", asked)
		}
	})
}

func TestAFloodOfOrdersHasOneEarlyTickEach20ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		r := start(t, withRecorder(n))
		r.ticks(1)
		for range 100 {
			r.publish(cordonNode(3))
			pass(time.Millisecond)
		}
		want := []string{
			"100ms tick 1024", "120ms early tick 1024", "140ms early tick 1024", "160ms early tick 1024", "180ms early tick 1024",
			"200ms tick 1024",
		}
		if got := ticksOf(n); !slices.Equal(got, want) {
			t.Errorf("ticks %q, want %q", got, want)
		}
	})
}

func TestEarlyTicksTakeATenthOfTheTimeAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		r := start(t, withRecorder(n), withHeavy(heavy{pass: 10 * time.Millisecond}), withConfig(func(c *Config) { c.TickInterval = time.Second }))
		pass(1020 * time.Millisecond) // the first tick, which takes 10 ms
		for range 300 {
			r.publish(cordonNode(3))
			pass(time.Millisecond)
		}
		want := []string{"1.01s tick 1024", "1.11s early tick 1024", "1.21s early tick 1024", "1.31s early tick 1024"}
		if got := ticksOf(n); !slices.Equal(got, want) {
			t.Errorf("ticks %q, want %q", got, want)
		}
	})
}

func TestAnOrderIsCarriedOutWhileAProbeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, withConfig(func(c *Config) { c.ProbeBudget = 5 * time.Second }))
		r.ticks(1)
		r.Probes().AddLocality(rttProbe{"hangs", func(ctx context.Context) ([]mesh.RTTSample, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		r.ticks(2) // the second tick waits for it
		before := r.Reader().Latest()
		r.publish(cordonNode(3))
		synctest.Wait()
		if s := r.Reader().Latest(); !cordoned(s, 3) || s.Regular != before.Regular {
			t.Errorf("cordoned %v after regular tick %d, before it was %d", cordoned(s, 3), s.Regular, before.Regular)
		}
	})
}

func TestTheRecordOfACommandIsPublishedWithoutATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t) // before the first tick there are no early ones
		changed := r.Records().Changed()
		record, err := r.h.Judged(t.Context(), mesh.JudgedCommit{Event: mesh.Cordon{Node: 3}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case <-changed:
		default:
			t.Error("nothing was published")
		}
		if got := r.Records().Latest(); got.Epoch != 7 || got.Node != this || len(got.Audit) != 1 || got.Audit[0].Seq != record.Seq {
			t.Errorf("published %+v", got)
		}
		if got := r.Reader().Latest(); got.Tick != 0 {
			t.Errorf("there was tick %d", got.Tick)
		}
		r.ticks(1)
		if r.Records().Latest() != r.Reader().Latest() {
			t.Error("a tick does not publish its records")
		}
	})
}

func TestAPassThatIsAskedForFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		r := start(t, withRecorder(n))
		r.Feed().PassSoon() // in vain: the first tick comes first
		r.ticks(1)
		pass(30 * time.Millisecond)
		r.Feed().PassSoon()
		pass(30 * time.Millisecond)
		if got, want := ticksOf(n), []string{"100ms tick 1024", "130ms early tick 1024"}; !slices.Equal(got, want) {
			t.Errorf("ticks %q, want %q", got, want)
		}
	})
}

func TestTheEndOfAnActionLetsTheNextOneOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentRun})
		r.ticks(1)
		first := <-r.Actions()
		pass(30 * time.Millisecond)
		began := time.Now()
		if err := r.Feed().Outcome(t.Context(), mesh.Outcome{ID: first.ID, Final: true, OK: true}); err != nil {
			t.Fatal(err)
		}
		r.publish(mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 3}}, mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 3}, Intent: mesh.IntentStop})
		second := <-r.Actions()
		if took := time.Since(began); took > earlyPause {
			t.Errorf("%s came after %v", fmt.Sprint(second.Action), took)
		}
	})
}
