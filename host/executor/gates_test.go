package executor_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

func backoff(id mesh.DaemonID, until time.Duration) mesh.Action {
	return mesh.ApplyBackoff{Daemon: mesh.DaemonRef{ID: id}, Until: mesh.Time(until)}
}

// The start was handed out before the backoff, and comes again after it.
func TestEXE03_ADaemonInBackoffIsNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := 0
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.Action.Kind() == mesh.KindApplyBackoff {
				return nil
			}
			starts++
			return later(time.Second)
		}))
		n.emit(start(7), backoff(7, 5*time.Second))
		rest(2 * time.Second)
		n.want(mesh.Outcome{
			ID: 1, Final: true, Gated: true, RetryAfter: 4 * time.Second,
			Reason: "not carried out: start_daemon is gated by daemon-backoff: daemon 7 is held back for another 4000 ms",
		}, done(2))
		if starts != 1 {
			t.Errorf("started %d times, want the one before the backoff", starts)
		}
		n.counts(executor.Counters{Dispatched: 1, Gated: 1, DispatchRetries: 1})
		if want := []string{"apply_backoff dispatched 0s", "start_daemon gated 0s"}; !slices.Equal(n.observed, want) {
			t.Errorf("observed %q, want %q", n.observed, want)
		}
		n.close()
	})
}

func TestB2_OnlyABackoffThatWasAppliedClosesTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.Action.Kind() == mesh.KindApplyBackoff {
				return errNo
			}
			if tries++; tries == 1 {
				return later(time.Second)
			}
			return nil
		}))
		n.emit(start(7), backoff(7, 5*time.Second))
		rest(2 * time.Second)
		n.want(done(1), failed(2, "no"))
		n.close()
	})
}

// An operator's restart opens the gate in the core, and the core hands out a start.
func TestAForcedRestartPassesTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(nothing))
		n.emit(backoff(7, time.Minute))
		synctest.Wait()
		n.emit(start(7))
		n.want(done(1), done(2))
		n.close()
	})
}

func TestEXE04_TwoPullsShareTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(nothing))
		n.emit(pull(1), pull(2))
		rest(500 * time.Millisecond)
		n.want(done(1), done(2))
		n.counts(executor.Counters{Dispatched: 2, Deferred: 1})
		n.close()
	})
}

// All of them run, one after the other, though only two defers are allowed: waiting for
// the slot does not count.
func TestB4_WaitingForThePullSlotCostsNoDefer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []mesh.ActionID
		n := startNode(t, time.Minute, noting(&order), admit(func(a *executor.Admission) { a.MaxDefers = 2 }))
		var want []mesh.ActionID
		var ends []mesh.Outcome
		for id := range mesh.ActionID(400) {
			n.emit(pull(mesh.ChainID(id + 1)))
			want, ends = append(want, id+1), append(ends, done(id+1))
		}
		rest(399*250*time.Millisecond - 1)
		if c := n.exec.Counters(); c.Dispatched != 399 || c.Waiting != 1 {
			t.Errorf("just before the last: %+v", c)
		}
		rest(time.Nanosecond)
		n.want(ends...)
		if !slices.Equal(order, want) {
			t.Errorf("pulled in the order %v", order)
		}
		n.counts(executor.Counters{Dispatched: 400, Deferred: 399})
		n.close()
	})
}

// The slot is free again at once, and goes to the pull that waits longest.
func TestB4_AFailedPullGivesTheSlotToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			time.Sleep(100 * time.Millisecond)
			if e.ID == 1 {
				return errNo
			}
			return nil
		}))
		n.emit(pull(1), pull(2), pull(3))
		rest(time.Second)
		n.want(failed(1, "no"), done(2), done(3))
		if n.took[2] != mesh.Time(200*time.Millisecond) || n.took[3] != mesh.Time(450*time.Millisecond) {
			t.Errorf("done at %v", n.took)
		}
		n.close()
	})
}

func TestB4_BeforeARetryTheReasonIsCheckedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked notes
		var gone atomic.Bool
		n := startNode(t, time.Minute, failing(2, later(10*time.Second)), func(o *executor.Options) {
			o.StillWanted = func(a mesh.Action) bool {
				asked.add("%s", a.Kind())
				return !gone.Load()
			}
		})
		n.emit(start(1))
		synctest.Wait()
		if early := asked.take(); len(early) != 0 {
			t.Errorf("asked %v before the first try", early)
		}
		time.Sleep(15 * time.Second) // one retry, which fails
		gone.Store(true)
		rest(10 * time.Second)
		n.want(failed(1, mesh.ReasonNotWanted))
		if got, want := asked.take(), []string{"start_daemon", "start_daemon"}; !slices.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
		n.counts(executor.Counters{Withdrawn: 1, DispatchRetries: 2})
		n.close()
	})
}

func TestB4_WhatWaitedForItsTurnIsCheckedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(context.Context, mesh.Emitted) error {
			time.Sleep(30 * time.Second)
			return nil
		}), func(o *executor.Options) {
			o.StillWanted = func(mesh.Action) bool { return false }
		})
		n.emit(start(1), stop(1))
		rest(time.Minute)
		n.want(done(1), failed(2, mesh.ReasonNotWanted))
		n.close()
	})
}

func TestACheckThatPanicsCountsAsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, failing(1, later(time.Second)), func(o *executor.Options) {
			o.StillWanted = func(mesh.Action) bool { panic("boom") }
		})
		n.emit(start(1))
		rest(2 * time.Second)
		n.want(done(1))
		n.close()
	})
}

func TestB4_ASoonRetryAndAWaitForTheSlotAreCheckedToo(t *testing.T) {
	for name, actions := range map[string][]mesh.Action{
		"retry": {start(1)},
		"slot":  {pull(1), pull(2)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
					if e.Action.Kind() == mesh.KindStartDaemon {
						return later(10 * time.Millisecond)
					}
					return nil
				}), func(o *executor.Options) { o.StillWanted = func(mesh.Action) bool { return false } })
				n.emit(actions...)
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				if c := n.exec.Counters(); c.Withdrawn != 1 {
					t.Errorf("counters: %+v", c)
				}
				n.close()
			})
		})
	}
}

// When a worker is free again, the pull that waited for the slot comes before one
// that only waited for the worker.
func TestB4_TheSlotIsGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order notes
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			order.add("%s %d", e.Action.Kind(), e.Action.Key().Subject)
			time.Sleep(time.Second)
			return nil
		}), admit(func(a *executor.Admission) { a.Workers = 2 }))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(pull(2))
		synctest.Wait()
		n.emit(start(9))
		synctest.Wait()
		n.emit(pull(3))
		rest(10 * time.Second)
		want := []string{"pull_replica 1", "start_daemon 9", "pull_replica 2", "pull_replica 3"}
		if got := order.take(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		n.close()
	})
}

func TestAPullThatHangsGivesTheSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := startNode(t, 10*time.Second, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				<-release
			}
			return nil
		}), admit(func(a *executor.Admission) { a.PullCooldown = time.Minute }))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(pull(2))
		rest(11 * time.Second)
		n.want(failed(1, "pull_replica was not done within action_timeout (10s)"), done(2))
		close(release)
		synctest.Wait()
		n.close()
	})
}

// The first pull that waits has another action of its chain under way; the one behind
// it need not wait for that.
func TestB4_AFreeSlotIsNotKeptForABusyChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.Action.Kind() == mesh.KindRequestPlacement {
				time.Sleep(10 * time.Second)
			}
			return nil
		}))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(pull(2), pull(3))
		synctest.Wait()
		n.emit(mesh.RequestPlacement{Chain: 2})
		rest(20 * time.Second)
		n.want(done(1), done(2), done(3), done(4))
		if n.took[2] != mesh.Time(10*time.Second) || n.took[3] >= n.took[2] {
			t.Errorf("ended at %v", n.took)
		}
		n.close()
	})
}
