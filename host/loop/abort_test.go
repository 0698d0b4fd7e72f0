package loop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func kill(id mesh.MigrationID) mesh.Event {
	return mesh.AdminReceived{Event: mesh.KillMigration{Migration: id}}
}

// killed publishes a kill by a verified operator.
func (r *rig) killed(id mesh.MigrationID) {
	r.t.Helper()
	_, err := r.h.Judged(r.t.Context(), mesh.JudgedCommit{
		Event: mesh.KillMigration{Migration: id}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func withOperators(s *setup) { s.cfg.Operators, s.boot.Operators = true, true }

func TestCore305_KilledMigrationReachesTheAborter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var got list[string]
		r.Slots().InstallAborter(aborter{fn: func(ctx context.Context, id mesh.MigrationID, reason string) error {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != abortTimeout {
				t.Errorf("the deadline is %v, %v", deadline, ok)
			}
			got.add(fmt.Sprintf("%#x %s", id, reason))
			return nil
		}})
		r.publish(mesh.AdminReceived{Event: mesh.Cordon{Node: 2}}) // MIG-05: not called for others
		pass(time.Millisecond)
		if calls := got.all(); calls != nil {
			t.Fatalf("the aborter was called for a cordon: %v", calls)
		}
		r.publish(kill(0xCAFE))
		pass(time.Millisecond)
		if want := []string{"0xcafe " + "killed by an operator"}; !slices.Equal(got.all(), want) {
			t.Errorf("the aborter was called with %v, want %v", got.all(), want)
		}
		if s := r.ticks(1); len(s.Failures) != 0 || len(s.Audit) != 2 {
			t.Errorf("failures %+v and audit %+v, want none and both commands", s.Failures, s.Audit)
		}
	})
}

func TestCore323_KillWithoutAnAborterIsAFailureWhenOperatorsAreConfigured(t *testing.T) {
	for name, install := range map[string]Aborter{
		"empty slot": nil,
		"no-op": aborter{noOp: true, fn: func(context.Context, mesh.MigrationID, string) error {
			panic("a no-op must not be called")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, withOperators)
				r.Slots().InstallAborter(install)
				r.killed(9)
				got := failures(r.ticks(1), "kill-migration:9")
				if len(got) != 1 || !strings.Contains(got[0], "nothing was aborted") || !strings.Contains(got[0], "migration_aborter") {
					t.Errorf("failures are %q, want one that says what is missing", got)
				}
			})
		})
	}
}

func TestIMP14_KillWithoutAnAborterIsQuietWithoutOperators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(kill(9))
		if s := r.ticks(1); len(s.Failures) != 0 || len(s.Audit) != 1 {
			t.Errorf("failures %+v and audit %+v, want none and the command", s.Failures, s.Audit)
		}
	})
}

func TestIMP15_FailedAbortIsAFailureRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Slots().InstallAborter(aborter{fn: func(_ context.Context, id mesh.MigrationID, _ string) error {
			if id == 2 {
				panic("no connection")
			}
			return errors.New("409 past cutover")
		}})
		r.publish(kill(1), kill(2))
		s := r.ticks(2)
		if got := failures(s, "kill-migration:1"); len(got) != 1 || !strings.Contains(got[0], "409 past cutover") {
			t.Errorf("failures are %q, want the aborter's reason", got)
		}
		if got := failures(s, "kill-migration:2"); len(got) != 1 || !strings.Contains(got[0], "panicked") {
			t.Errorf("failures are %q, want the panic", got)
		}
		if s.Tick != 2 {
			t.Errorf("%d ticks, want 2", s.Tick)
		}
	})
}

func TestHungAborterDelaysNoTickAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var running, most atomic.Int64
		r.Slots().InstallAborter(aborter{fn: func(ctx context.Context, _ mesh.MigrationID, _ string) error {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-ctx.Done()
			running.Add(-1)
			return ctx.Err()
		}})
		for i := range abortsAtOnce + abortsWaiting + 1 {
			r.publish(kill(mesh.MigrationID(i + 1)))
			synctest.Wait()
		}
		s := r.ticks(10)
		if s.Tick != 10 {
			t.Errorf("%d ticks in ten intervals", s.Tick)
		}
		last := fmt.Sprintf("kill-migration:%d", abortsAtOnce+abortsWaiting+1)
		if got := failures(s, last); len(s.Failures) != 1 || len(got) != 1 || !strings.Contains(got[0], "kill the migration again") {
			t.Errorf("failures are %+v, want that the last one was refused", s.Failures)
		}
		if most.Load() != abortsAtOnce {
			t.Errorf("%d aborts ran at once, want %d", most.Load(), abortsAtOnce)
		}
		pass(abortTimeout)
		if got := len(r.Reader().Latest().Failures); got != 1+abortsAtOnce {
			t.Errorf("%d failures after the first deadline, want %d", got, 1+abortsAtOnce)
		}
	})
}

// later is an error after which another try may help.
type later struct{ error }

func (later) Unavailable() bool { return true }

func TestKilledMigrationIsTriedAgainWhileTheAborterIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var tries []time.Duration
		begun := time.Now()
		r.Slots().InstallAborter(aborter{fn: func(context.Context, mesh.MigrationID, string) error {
			tries = append(tries, time.Since(begun))
			if len(tries) < abortTries {
				return fmt.Errorf("call: %w", later{errors.New("it restarts")})
			}
			return nil
		}})
		r.publish(kill(9))
		pass(abortWithin)
		if want := []time.Duration{0, abortPause, 3 * abortPause}; !slices.Equal(tries, want) {
			t.Errorf("tried at %v, want %v", tries, want)
		}
		if s := r.ticks(1); len(s.Failures) != 0 {
			t.Errorf("failures are %+v, want none: the last try did it", s.Failures)
		}
	})
}

func TestKilledMigrationIsGivenUpWithAFailureThatSaysHowOften(t *testing.T) {
	for name, c := range map[string]struct {
		fn    func(ctx context.Context) error
		tries int
		want  string
	}{
		"away for good":      {func(context.Context) error { return later{errors.New("it restarts")} }, 3, "abort failed: it restarts (tried 3 times"},
		"past cutover":       {func(context.Context) error { return errors.New("past cutover") }, 1, "abort failed: past cutover"},
		"hangs, then fails":  {func(ctx context.Context) error { <-ctx.Done(); return later{ctx.Err()} }, 3, "(tried 3 times"},
		"hangs, and no more": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 1, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t)
				tries := 0
				r.Slots().InstallAborter(aborter{fn: func(ctx context.Context, _ mesh.MigrationID, _ string) error {
					tries++
					return c.fn(ctx)
				}})
				r.publish(kill(9))
				pass(abortWithin)
				got := failures(r.ticks(1), "kill-migration:9")
				if tries != c.tries || len(got) != 1 || !strings.Contains(got[0], c.want) {
					t.Errorf("%d tries and failures %q, want %d and one with %q", tries, got, c.tries, c.want)
				}
			})
		})
	}
}
