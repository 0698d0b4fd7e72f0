package loop

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func TestLOP02_ShutdownEndsTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(mesh.Shutdown{})
		if err := r.mustEnd(time.Millisecond); err != nil {
			t.Errorf("ended with %v", err)
		}
		if _, open := <-r.Actions(); open {
			t.Error("the action queue is still open")
		}
		if err := r.h.TryPublish(holder(1, 2)); !errors.Is(err, ErrLoopClosed) {
			t.Errorf("publishing afterwards returns %v", err)
		}
		if err := r.Feed().Report(t.Context(), mesh.FailureReport{}); !errors.Is(err, ErrLoopClosed) {
			t.Errorf("feeding afterwards returns %v", err)
		}
		if err := r.Run(t.Context(), Hooks{}); !errors.Is(err, ErrStarted) {
			t.Errorf("running it again returns %v", err)
		}
	})
}

func TestLOP18_WhatIsQueuedBehindShutdownIsNotFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []mesh.Event
		r := newRig(t, withJournal(func(_ mesh.Stamp, in mesh.Input) {
			if h, ok := in.(mesh.Heard); ok {
				heard = append(heard, h.Event)
			}
		}), withConfig(func(c *Config) { c.TickInterval = time.Minute }))
		r.publish(holder(1, 2), mesh.Shutdown{}, holder(3, 4))
		r.run()
		if err := r.mustEnd(time.Millisecond); err != nil {
			t.Errorf("ended with %v", err)
		}
		if want := []mesh.Event{holder(1, 2)}; !slices.Equal(heard, want) {
			t.Errorf("heard %v, want %v", heard, want)
		}
		if s := r.count.stats(); s.Ticks != 0 || s.EventsApplied != 1 {
			t.Errorf("stats are %+v, want no tick and one event", s)
		}
	})
}

func TestShutdownEndsTheLoopWithinATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddLocality(rttProbe{"slow", func(ctx context.Context) ([]mesh.RTTSample, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		pass(interval + budget/2)
		r.publish(mesh.Shutdown{})
		if err := r.mustEnd(time.Millisecond); err != nil || r.count.stats().Ticks != 0 {
			t.Errorf("ended with %v after %d ticks, want at once, in the middle of the first", err, r.count.stats().Ticks)
		}
	})
}

func TestCore290_LastHandleClosedEndsTheLoopAfterTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := r.h.Clone()
		for i := range 500 {
			r.publish(holder(mesh.ChainID(i+1), 2))
		}
		r.h.Close()
		r.h.Close() // a second time changes nothing
		if err := other.TryPublish(holder(501, 2)); err != nil {
			t.Fatal(err)
		}
		if err := r.h.TryPublish(holder(502, 2)); !errors.Is(err, ErrHandleClosed) {
			t.Errorf("publishing through a closed handle returns %v", err)
		}
		r.run()
		r.mustRun()
		other.Close()
		if err := r.mustEnd(time.Millisecond); err != nil {
			t.Errorf("ended with %v", err)
		}
		if s := r.count.stats(); s.EventsApplied != 501 || s.Ticks != 0 {
			t.Errorf("stats are %+v, want 501 events and no tick", s)
		}
		if n := len(r.Actions()); n != 0 {
			t.Errorf("%d actions were handed out", n)
		}
		late := r.Handle()
		if err := late.TryPublish(holder(1, 2)); !errors.Is(err, ErrLoopClosed) {
			t.Errorf("a handle opened afterwards returns %v", err)
		}
	})
}

func TestClosingAllHandlesBeforeTheStartFoldsTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.publish(holder(1, 2))
		r.h.Close()
		r.run()
		if err := r.mustEnd(time.Millisecond); err != nil || r.count.stats().EventsApplied != 1 {
			t.Errorf("ended with %v after %d events, want nil after 1", err, r.count.stats().EventsApplied)
		}
	})
}

func TestLastHandleClosedStillFoldsWhatWaitersHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withConfig(func(c *Config) { c.EventQueue = 4 }))
		h := r.h.Clone()
		published := make(chan error, 1)
		go func() {
			_, err := h.PublishBatch(context.Background(), slices.Repeat([]mesh.Event{holder(1, 2)}, 50))
			published <- err
		}()
		synctest.Wait()
		r.h.Close()
		h.Close()
		r.run()
		if err := <-published; err != nil {
			t.Errorf("the batch that waited ended with %v", err)
		}
		r.mustEnd(time.Millisecond)
		if got := r.count.stats().EventsApplied; got != 50 {
			t.Errorf("folded %d events, want 50", got)
		}
	})
}

func TestCancelEndsTheLoopAtOnceAndWaitersReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withHeavy(heavy{fold: time.Second}), withConfig(func(c *Config) {
			c.EventQueue, c.TickInterval = 1, time.Hour
		}))
		r.publish(holder(1, 2))
		waited := make(chan error, 2)
		for range cap(waited) {
			go func() { waited <- r.h.Publish(context.Background(), holder(2, 2)) }()
		}
		r.run()
		pass(time.Millisecond) // during the first fold
		r.cancel()
		if err := r.mustEnd(5 * time.Second); err != nil {
			t.Errorf("ended with %v", err)
		}
		if got := r.count.stats().EventsApplied; got != 1 {
			t.Errorf("folded %d events, want only the one under way", got)
		}
		// The first fold freed one place, so one of them was queued.
		errs := []error{<-waited, <-waited}
		refused := slices.IndexFunc(errs, func(err error) bool { return errors.Is(err, ErrLoopClosed) })
		if refused < 0 || errs[1-refused] != nil {
			t.Errorf("publishers that waited got %v, want one queued and one refused", errs)
		}
	})
}

func TestReadersKeepTheLastSnapshotAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(holder(1, 2))
		last := r.ticks(3)
		r.cancel()
		r.mustEnd(time.Second)
		if got := r.Reader().Latest(); got != last {
			t.Errorf("readers have tick %d, want the last one, %d", got.Tick, last.Tick)
		}
		select {
		case <-r.Reader().Done():
		default:
			t.Error("the reader is not done although the loop ended")
		}
	})
}

func TestB24_RecordsLeftAfterTheLastTickAreShownAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(*rig){
		"cancelled":          func(r *rig) { r.cancel() },
		"shutdown":           func(r *rig) { r.publish(mesh.Shutdown{}) },
		"last handle closed": func(r *rig) { r.h.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t)
				r.publish(cordonNode(3))
				r.ticks(3)
				r.Feed().PassSoon()
				pass(time.Millisecond)
				last := r.Reader().Latest() // the next early tick comes 20 ms later
				changed := r.Reader().Changed()
				r.publish(cordonNode(3), mesh.LogLine{Level: mesh.LevelInfo, Message: "last words"}, holder(7, 2))
				if err := r.Feed().Report(t.Context(), mesh.FailureReport{Source: "x", Reason: "no"}); err != nil {
					t.Fatal(err)
				}
				pass(earlyPause / 2)
				end(r)
				if err := r.mustEnd(time.Second); err != nil {
					t.Fatal(err)
				}
				select {
				case <-changed:
				default:
					t.Error("no newer snapshot was published")
				}
				got := r.Reader().Latest()
				if len(got.Audit) != 2 || len(logged(got, "last words")) != 1 || len(failures(got, "x")) != 1 {
					t.Errorf("audit %v, logs %v, failures %v, want two, one and one", got.Audit, got.Logs, got.Failures)
				}
				if got.Tick != last.Tick || !got.TakenAt.Equal(last.TakenAt) || holds(got, 7) != nil {
					t.Errorf("tick %d of %v shows %v, want the last tick's and no pass", got.Tick, got.TakenAt, got.Replicas)
				}
			})
		})
	}
}

func TestCallThatIgnoresItsCancelIsNamedAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		release := make(chan struct{})
		r.Probes().AddLocality(rttProbe{"deaf", func(context.Context) ([]mesh.RTTSample, error) {
			<-release
			return nil, nil
		}})
		r.ticks(1)
		r.publish(mesh.Shutdown{})
		err := r.mustEnd(cancelGrace + time.Millisecond)
		var abandoned *AbandonedError
		if !errors.As(err, &abandoned) || !slices.Equal(abandoned.Calls, []string{"locality_probe:deaf"}) {
			t.Errorf("ended with %v, want the deaf probe named", err)
		}
		close(release) // its answer comes after the end, and nothing happens
	})
}

func TestEndWaitsForCallsThatHeedTheirCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		back := false
		r.Probes().AddLocality(rttProbe{"tidy", func(ctx context.Context) ([]mesh.RTTSample, error) {
			<-ctx.Done()
			time.Sleep(cancelGrace / 2)
			back = true
			return nil, ctx.Err()
		}})
		r.ticks(1)
		r.cancel()
		if err := r.mustEnd(cancelGrace); err != nil || !back {
			t.Errorf("ended with %v, call back: %v; want it waited for", err, back)
		}
	})
}

func TestACommandToEndTheNodeIsAuditedAndEndsTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		record, err := r.h.Unsigned(t.Context(), mesh.AdminReceived{Event: mesh.StopNode{Node: this}})
		if err != nil || record.Seq != 1 {
			t.Errorf("recorded %+v, %v", record, err)
		}
		if err := r.mustEnd(time.Millisecond); err != nil {
			t.Errorf("ended with %v", err)
		}
		if audit := r.Reader().Latest().Audit; len(audit) != 1 {
			t.Errorf("the last snapshot shows %v", audit)
		}
	})
}
