package executor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

func TestOneWorkerKeepsTheOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []mesh.ActionID
		atOnce := 0
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			atOnce++
			defer func() { atOnce-- }()
			if atOnce > 1 {
				t.Error("two dispatches at once")
			}
			time.Sleep(time.Second)
			order = append(order, e.ID)
			return nil
		}), admit(func(a *executor.Admission) { a.Workers = 1 }))
		n.emit(start(3), start(1), start(2))
		rest(10 * time.Second)
		n.want(done(1), done(2), done(3))
		if want := []mesh.ActionID{1, 2, 3}; !slices.Equal(order, want) {
			t.Errorf("dispatched %v, want %v", order, want)
		}
		n.close()
	})
}

func TestB1_OutcomeSaysWhyAnActionFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			time.Sleep(time.Duration(e.ID) * 3 * time.Millisecond)
			if e.ID == 1 {
				return fmt.Errorf("start: %w", errNo)
			}
			return nil
		}))
		n.emit(start(1), start(2))
		rest(time.Second)
		n.want(failed(1, "start: no"), done(2))
		want := []string{"start_daemon failed 3ms", "start_daemon dispatched 6ms"}
		if !slices.Equal(n.observed, want) {
			t.Errorf("observed %v, want %v", n.observed, want)
		}
		if c := n.exec.Counters(); c != (executor.Counters{Dispatched: 1, Failed: 1}) {
			t.Errorf("counters: %+v", c)
		}
		n.close()
	})
}

func TestLongReasonIsCutAtACharacter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(context.Context, mesh.Emitted) error {
			return errors.New("\xff" + strings.Repeat("ü", 5000))
		}))
		n.emit(start(1))
		synctest.Wait()
		got := n.outcomes[0].Reason
		if len(got) > 1024 || !strings.HasPrefix(got, "\uFFFDü") || !strings.HasSuffix(got, "ü…") {
			t.Errorf("reason of %d bytes: %.20q … %q", len(got), got, got[len(got)-8:])
		}
		n.close()
	})
}

func TestPanicIsOneFailedAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				panic("boom")
			}
			return nil
		}))
		n.emit(start(1), start(1))
		n.want(failed(1, "the dispatcher of start_daemon panicked at executor_test.go:N: boom"), done(2))
		n.close()
	})
}

func TestDispatchThatHeedsItsDeadlineFailsAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, 10*time.Second, dispatch(func(ctx context.Context, _ mesh.Emitted) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		n.emit(start(1))
		rest(11 * time.Second)
		n.want(failed(1, "start_daemon was not done within action_timeout (10s)"))
		if at := n.took[1]; at != mesh.Time(10*time.Second) {
			t.Errorf("failed at %v, want 10s", time.Duration(at))
		}
		n.close()
	})
}

// The core waits for action_timeout after it last heard of an action. So an action that
// had to wait is reported when it is begun, and has the whole timeout.
func TestB4_EveryDispatchHasItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(map[mesh.ActionID]time.Duration)
		n := startNode(t, 10*time.Second, dispatch(func(ctx context.Context, e mesh.Emitted) error {
			deadline, _ := ctx.Deadline()
			left[e.ID] = time.Until(deadline)
			time.Sleep(8 * time.Second)
			return nil
		}))
		n.emit(start(1), stop(1), start(1))
		rest(30 * time.Second)
		n.want(done(1), done(2), done(3))
		for id, got := range left {
			if got != 10*time.Second {
				t.Errorf("action %d had %v, want 10s", id, got)
			}
		}
		if last := n.reports[len(n.reports)-1]; last.ID != 3 || last.at != 16*time.Second {
			t.Errorf("reports: %+v, want one of action 3 when it was begun, at 16s", n.reports)
		}
		n.close()
	})
}

// A short wait is not reported; then the deadline is the one that the core knows. What
// is short depends on how long the core waits.
func TestB4_AShortWaitCountsTowardsTheDeadline(t *testing.T) {
	for _, tc := range []struct{ timeout, left time.Duration }{
		{10 * time.Second, 9500 * time.Millisecond},
		{800 * time.Millisecond, 800 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var left notes
			n := startNode(t, tc.timeout, dispatch(func(ctx context.Context, e mesh.Emitted) error {
				deadline, _ := ctx.Deadline()
				left.add("%v", time.Until(deadline))
				time.Sleep(500 * time.Millisecond)
				return nil
			}))
			n.emit(start(1), stop(1))
			rest(2 * time.Second)
			n.want(done(1), done(2))
			if got, want := left.take(), []string{tc.timeout.String(), tc.left.String()}; !slices.Equal(got, want) {
				t.Errorf("had %v, want %v", got, want)
			}
			n.close()
		})
	}
}

func TestHungDispatchHoldsUpNothingButItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := startNode(t, 10*time.Second, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				<-release // whatever its context says
			}
			return nil
		}))
		n.emit(start(1))
		rest(12 * time.Second)
		first := failed(1, "start_daemon was not done within action_timeout (10s)")
		n.want(first)

		n.emit(start(2), stop(1))
		second := failed(3, "not carried out: stop_daemon on daemon 1 would overtake start_daemon, which has not returned for 12s")
		n.want(first, done(2), second)

		close(release)
		synctest.Wait()
		n.emit(start(1))
		n.want(first, done(2), second, done(4))
		n.close()
	})
}

func TestEXE13_CountersCanBeReadWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(nothing))
		n.emit(start(1), start(2))
		n.counts(executor.Counters{Dispatched: 2})
		n.emit(start(3))
		n.counts(executor.Counters{Dispatched: 3})
		n.close()
	})
}

// The core writes records from outcomes; the effect of the action stands without them.
func TestEXE01_AnOutcomeThatIsNotTakenUndoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var saw []mesh.ActionID
		n := startNode(t, time.Minute, noting(&saw), func(o *executor.Options) { o.Outcomes = deaf{} })
		n.emit(start(1))
		n.counts(executor.Counters{Dispatched: 1, Undelivered: 1})
		if !slices.Equal(saw, []mesh.ActionID{1}) {
			t.Errorf("the dispatcher saw %v", saw)
		}
		n.stop()
		if err := <-n.ended; err != nil {
			t.Error(err)
		}
	})
}

// deaf takes no outcomes.
type deaf struct{}

func (deaf) Outcome(context.Context, mesh.Outcome) error { return errNo }

func TestAnObserverThatPanicsStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(nothing), func(o *executor.Options) {
			o.Observe = func(string, executor.End, time.Duration) { panic("boom") }
		})
		n.emit(start(1), start(2))
		n.want(done(1), done(2))
		n.close()
	})
}
