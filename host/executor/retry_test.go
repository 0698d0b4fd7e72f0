package executor_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// failing fails the first tries of every action with an error.
func failing(tries int, err error) dispatch {
	var mu sync.Mutex
	seen := make(map[mesh.ActionID]int)
	return func(_ context.Context, e mesh.Emitted) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[e.ID]++; seen[e.ID] > tries {
			return nil
		}
		return err
	}
}

const never = 1 << 30

func TestEXE07_ADispatcherMayAskForAnotherTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, failing(1, fmt.Errorf("pull: %w", later(50*time.Millisecond))))
		n.emit(pull(1))
		rest(200 * time.Millisecond)
		n.want(done(1))
		if at := time.Duration(n.took[1]); at != 50*time.Millisecond {
			t.Errorf("done at %v, want 50ms", at)
		}
		want := report{Outcome: mesh.Outcome{ID: 1, Reason: "pull: not now", RetryAfter: 50 * time.Millisecond}}
		if !slices.Equal(n.reports, []report{want}) {
			t.Errorf("reports %+v, want %+v", n.reports, want)
		}
		n.counts(executor.Counters{Dispatched: 1, DispatchRetries: 1})
		n.close()
	})
}

func TestEXE09_RetriesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		n := startNode(t, time.Minute, dispatch(func(context.Context, mesh.Emitted) error {
			tries++
			return later(5 * time.Millisecond)
		}), admit(func(a *executor.Admission) { a.MaxDefers = 3 }))
		n.emit(start(1))
		rest(time.Second)
		n.want(failed(1, "given up: start_daemon was deferred 4 times, max_defers allows 3; the last time: not now"))
		if tries != 4 {
			t.Errorf("%d tries, want 4", tries)
		}
		n.counts(executor.Counters{Failed: 1, DispatchRetries: 3})
		n.close()
	})
}

// A move may take long. As long as it advances, its tries have no limit; one that stands still has
// as many as any other.
func TestEXE09_TriesDoNotCountWhileWhatWasBegunAdvances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		n := startNode(t, time.Minute, dispatch(func(context.Context, mesh.Emitted) error {
			tries++
			return later(time.Second)
		}), admit(func(a *executor.Admission) { a.MaxDefers = 3 }), func(o *executor.Options) {
			o.Progress = func(mesh.Action) (uint64, bool) { return uint64(min(tries, 50)), true }
		})
		n.emit(pull(1))
		rest(10 * time.Minute)
		n.want(failed(1, "given up: pull_replica was deferred 4 times, max_defers allows 3; the last time: not now"))
		if tries != 54 {
			t.Errorf("%d tries, want 54", tries)
		}
		n.close()
	})
}

func TestEXE12_OneThatWaitsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, 5*time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				return later(time.Minute)
			}
			return nil
		}))
		n.emit(pull(1), pull(2))
		n.want(done(2)) // at once: the failed pull gave the slot back
		if n.took[2] != 0 {
			t.Errorf("the second was done at %v", time.Duration(n.took[2]))
		}
		n.stop()
		if took, err := n.end(); took != 0 || err != nil {
			t.Errorf("ended after %v with %v, want at once", took, err)
		}
		n.want(failed(1, notCarriedOut), done(2))
		n.counts(executor.Counters{Dispatched: 1, Failed: 1, DispatchRetries: 1, Deferred: n.exec.Counters().Deferred})
	})
}

func TestEXE10_TheExecutorSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				panic("boom")
			}
			return nil
		}))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(pull(1)) // the panic rolled its admission back
		n.want(failed(1, "the dispatcher of pull_replica panicked at retry_test.go:N: boom"), done(2))
		n.counts(executor.Counters{Dispatched: 1, Failed: 1})
		n.close()
	})
}

func TestEXE06_AFinalErrorIsOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, failing(never, errNo))
		n.emit(start(1))
		rest(time.Minute)
		n.want(failed(1, "no"))
		if len(n.reports) != 0 {
			t.Errorf("reports %+v", n.reports)
		}
		n.counts(executor.Counters{Failed: 1})
		n.close()
	})
}

func TestIMP08_ALimitOfZeroAllowsNoDefer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(nothing), admit(func(a *executor.Admission) { a.MaxDefers = 0 }))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(drop(1))
		n.want(done(1), failed(2, "given up: drop_replica was deferred 1 times, max_defers allows 0; "+
			"the last time: chain 1 is left alone until it has settled"))
		n.counts(executor.Counters{Dispatched: 1, Failed: 1})
		n.close()
	})
}

func TestIMP09_DefersAndRetriesShareOneBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Hour, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if e.ID == 1 {
				return nil
			}
			return later(time.Second)
		}), admit(func(a *executor.Admission) { a.MaxDefers = 2 }))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(drop(1)) // deferred for a minute by the gate, then once by the dispatcher, then given up
		rest(2 * time.Minute)
		n.want(done(1), failed(2, "given up: drop_replica was deferred 3 times, max_defers allows 2; the last time: not now"))
		n.counts(executor.Counters{Dispatched: 1, Failed: 1, Deferred: 1, DispatchRetries: 1})
		n.close()
	})
}

func TestARetryTimeThatIsNotPositiveIsFinalAndALongOneIsCut(t *testing.T) {
	for _, tc := range []struct{ asked, got time.Duration }{
		{0, 0},
		{-time.Second, 0},
		{time.Minute, time.Minute},
		{1000 * time.Hour, 10 * time.Minute},
	} {
		t.Run(tc.asked.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := startNode(t, time.Minute, failing(1, later(tc.asked)))
				n.emit(start(1))
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				if at := time.Duration(n.took[1]); at != tc.got || n.outcomes[0].OK != (tc.got > 0) {
					t.Errorf("ended at %v: %+v", at, n.outcomes)
				}
				n.close()
			})
		})
	}
}

// An action whose dispatcher asks for a retry after the deadline is not tried again:
// the core gave it up. Whether the dispatch is seen to return or is abandoned before
// is chance, so this is tried many times.
func TestNoRetryAfterTheDeadline(t *testing.T) {
	for range 20 {
		synctest.Test(t, noRetryAfterTheDeadline)
	}
}

func noRetryAfterTheDeadline(t *testing.T) {
	n := startNode(t, 10*time.Second, dispatch(func(ctx context.Context, _ mesh.Emitted) error {
		<-ctx.Done()
		return later(time.Second)
	}))
	n.emit(start(1))
	rest(time.Minute)
	// The dispatcher's error is in the reason if it was seen to return.
	if o := n.outcomes[0]; !strings.HasPrefix(o.Reason, "start_daemon was not done within action_timeout (10s)") {
		t.Errorf("got %+v", o)
	}
	n.counts(executor.Counters{Failed: 1})
	n.close()
}

func TestB4_WhatWaitsIsNotGivenUpByTheCore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 40 * time.Second
		n := startNode(t, timeout, dispatch(func(_ context.Context, e mesh.Emitted) error {
			time.Sleep(30 * time.Second)
			return nil
		}))
		n.emit(pull(1))
		synctest.Wait()
		n.emit(drop(1)) // is begun a minute later and takes half a minute
		rest(5 * time.Minute)
		n.want(done(1), done(2))
		// First the pull is under way, then the chain settles for the rest of a minute.
		if s := n.reports[0]; s.ID != 2 || s.Reason != "" || s.RetryAfter != 0 || s.at >= 30*time.Second {
			t.Errorf("first report: %+v", s)
		}
		if s := n.reports[1]; s.ID != 2 || s.Reason != "" || s.RetryAfter != time.Minute-s.at {
			t.Errorf("second report: %+v", s)
		}
		heard := time.Duration(0)
		for _, s := range append(n.reports, report{at: time.Duration(n.took[2])}) {
			if silent := s.at - heard; silent >= timeout {
				t.Errorf("the core heard nothing for %v before %+v", silent, s)
			}
			heard = s.at
		}
		n.close()
	})
}
