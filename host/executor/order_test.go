package executor_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// diary notes when dispatches begin and end.
func diary(lines *notes, d time.Duration) dispatch {
	begun := time.Now()
	return func(_ context.Context, e mesh.Emitted) error {
		note := func(what string) {
			lines.add("%v %s %s %d", time.Since(begun), what, e.Action.Kind(), e.Action.Key().Subject)
		}
		note("begin")
		time.Sleep(d)
		note("end")
		return nil
	}
}

func TestB4_OrderedPerLaneAndParallelAcrossLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines notes
		n := startNode(t, time.Minute, diary(&lines, time.Second))
		n.emit(start(1), stop(1))
		synctest.Wait()
		n.emit(drop(1))
		rest(time.Minute)
		want := []string{
			"0s begin start_daemon 1", "0s begin drop_replica 1",
			"1s end start_daemon 1", "1s end drop_replica 1",
			"1s begin stop_daemon 1", "2s end stop_daemon 1",
		}
		got := lines.take()
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
		n.close()
	})
}

func TestB4_NoMoreWorkersThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines notes
		n := startNode(t, time.Minute, diary(&lines, time.Second))
		for id := range mesh.DaemonID(20) {
			n.emit(start(id + 1))
		}
		for _, want := range []int{8, 8, 4} {
			synctest.Wait()
			begun := 0
			for _, line := range lines.take() {
				if strings.Contains(line, "begin") {
					begun++
				}
			}
			if begun != want {
				t.Errorf("%d were begun, want %d", begun, want)
			}
			time.Sleep(time.Second)
		}
		n.counts(executor.Counters{Dispatched: 20})
		n.close()
	})
}

// An abandoned dispatch no longer occupies a worker. Otherwise as many of them as there
// are workers would stop the node.
func TestB4_HungDispatchesKeepNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := startNode(t, 10*time.Second, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID <= 8 {
				<-release
			}
			return nil
		}))
		for id := range mesh.DaemonID(9) {
			n.emit(start(id + 1))
		}
		rest(11 * time.Second)
		n.counts(executor.Counters{Dispatched: 1, Failed: 8})
		close(release)
		synctest.Wait()
		n.close()
	})
}

// An action that is deferred does not block its lane.
func TestB4_WhatIsDeferredLetsItsLaneGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				return later(30 * time.Second)
			}
			return nil
		}))
		n.emit(start(1), stop(1))
		n.want(done(2))
		n.close()
	})
}

func TestB4_TheNewerOfAKeyTakesThePlaceInItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines notes
		n := startNode(t, time.Minute, diary(&lines, time.Second))
		n.emit(start(1))
		synctest.Wait()
		n.emit(start(1), stop(1), start(1))
		rest(10 * time.Second)
		n.want(done(1), failed(2, "superseded by action 4, which asks for the same"), done(3), done(4))
		// The last start is the last thing that was asked for, so it comes last.
		want := []string{
			"0s begin start_daemon 1", "1s end start_daemon 1", "1s begin stop_daemon 1",
			"2s end stop_daemon 1", "2s begin start_daemon 1", "3s end start_daemon 1",
		}
		if got := lines.take(); !slices.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
		n.counts(executor.Counters{Dispatched: 3, Withdrawn: 1})
		n.close()
	})
}

func TestB4_RetriesOfAKeyMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []mesh.ActionID
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if tries = append(tries, e.ID); e.ID == 1 {
				return later(10 * time.Second)
			}
			return nil
		}))
		n.emit(start(1))
		rest(5 * time.Second)
		n.emit(start(1)) // is not tried before the first would have been tried again
		superseded := failed(1, "superseded by action 2, which asks for the same")
		n.want(superseded)
		rest(5*time.Second - 1)
		n.want(superseded)
		rest(time.Nanosecond)
		n.want(superseded, done(2))
		if !slices.Equal(tries, []mesh.ActionID{1, 2}) {
			t.Errorf("tried %v", tries)
		}
		n.close()
	})
}

func TestB4_ARetryGivesWayToANewerThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			time.Sleep(time.Second)
			if e.ID == 1 {
				return later(10 * time.Second)
			}
			return nil
		}))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(pull(1))
		rest(20 * time.Second)
		n.want(failed(1, "superseded by action 2, which asks for the same; it was deferred: not now"), done(2))
		if at := time.Duration(n.took[2]); at != 12*time.Second {
			t.Errorf("the newer was done at %v, want 12s", at)
		}
		n.close()
	})
}

func TestB4_ANewerPullKeepsThePlaceInTheOrderOfTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []mesh.ActionID
		n := startNode(t, time.Minute, noting(&order))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(pull(2), pull(3))
		synctest.Wait()
		n.emit(pull(2))
		rest(time.Second)
		if want := []mesh.ActionID{1, 4, 3}; !slices.Equal(order, want) {
			t.Errorf("pulled in the order %v, want %v", order, want)
		}
		n.close()
	})
}

func TestB4_ANewerActionHasABudgetOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, failing(1, later(10*time.Second)), admit(func(a *executor.Admission) { a.MaxDefers = 1 }))
		n.emit(start(1))
		rest(5 * time.Second)
		n.emit(start(1))
		rest(30 * time.Second)
		n.want(failed(1, "superseded by action 2, which asks for the same"), done(2))
		n.close()
	})
}

func TestZeroWorkersMeanOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(nothing), admit(func(a *executor.Admission) { a.Workers = 0 }))
		n.emit(start(1))
		n.want(done(1))
		n.close()
	})
}
