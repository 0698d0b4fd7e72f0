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

func TestActionsAreCarriedOutInOrderOneAtATime(t *testing.T) {
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
		}))
		n.emit(start(3), start(1), start(2))
		time.Sleep(10 * time.Second)
		n.want(done(1), done(2), done(3))
		if want := []mesh.ActionID{1, 2, 3}; !slices.Equal(order, want) {
			t.Errorf("dispatched %v, want %v", order, want)
		}
		n.stop()
		n.end()
	})
}

func TestB1_OutcomeSaysWhyAnActionFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			time.Sleep(3 * time.Millisecond)
			if e.ID == 1 {
				return fmt.Errorf("start: %w", errNo)
			}
			return nil
		}))
		n.emit(start(1), start(2))
		time.Sleep(time.Second)
		n.want(failed(1, "start: no"), done(2))
		want := []string{"start_daemon failed 3ms", "start_daemon ok 3ms"}
		if !slices.Equal(n.observed, want) {
			t.Errorf("observed %v, want %v", n.observed, want)
		}
		if c := n.exec.Counters(); c != (executor.Counters{Dispatched: 1, Failed: 1}) {
			t.Errorf("counters: %+v", c)
		}
		n.stop()
		n.end()
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
		n.stop()
		n.end()
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
		n.want(failed(1, "the dispatcher of start_daemon panicked: boom"), done(2))
		n.stop()
		n.end()
	})
}

func TestDispatchThatHeedsItsDeadlineFailsAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, 10*time.Second, dispatch(func(ctx context.Context, _ mesh.Emitted) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		n.emit(start(1))
		time.Sleep(11 * time.Second)
		n.want(failed(1, "start_daemon was not done within action_timeout (10s)"))
		if at := n.took[1]; at != mesh.Time(10*time.Second) {
			t.Errorf("failed at %v, want 10s", time.Duration(at))
		}
		n.stop()
		if _, err := n.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestDeadlineCountsFromTheHandOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left time.Duration
		n := startNode(t, 10*time.Second, dispatch(func(ctx context.Context, e mesh.Emitted) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			time.Sleep(8 * time.Second)
			return nil
		}))
		n.emit(start(1), start(2), start(3))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		// The second had 2 s left of its 10, the third none.
		if left != 2*time.Second {
			t.Errorf("the second was given %v, want 2s", left)
		}
		n.want(done(1), failed(2, "start_daemon was not done within action_timeout (10s)"),
			failed(3, "not carried out: start_daemon waited for its turn for longer than action_timeout (10s)"))
		n.stop()
		n.end()
	})
}

func TestHungDispatchHoldsUpNothingButItsSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := startNode(t, 10*time.Second, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				<-release // whatever its context says
			}
			return nil
		}))
		n.emit(start(1))
		time.Sleep(12 * time.Second)
		first := failed(1, "start_daemon was not done within action_timeout (10s)")
		n.want(first)

		n.emit(start(2), mesh.StopDaemon{Daemon: mesh.DaemonRef{ID: 1}})
		second := failed(3, "not carried out: stop_daemon on daemon 1 would overtake start_daemon, which has not returned for 12s")
		n.want(first, done(2), second)

		close(release)
		synctest.Wait()
		n.emit(start(1))
		n.want(first, done(2), second, done(4))
		n.stop()
		if _, err := n.end(); err != nil {
			t.Error(err)
		}
	})
}
