package loop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func TestReadStateSeesWhatWasFoldedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(holder(7, 2))
		synctest.Wait()
		var held []mesh.NodeID
		err := r.Feed().ReadState(t.Context(), func(s *state.State) {
			c, _ := s.Chain(7)
			held = append(held, c.Holders...)
		})
		if diff := cmp.Diff([]mesh.NodeID{2}, held); diff != "" || err != nil {
			t.Errorf("error %v, -want +got:\n%s", err, diff)
		}
		if n := r.Reader().Latest().Tick; n != 0 {
			t.Errorf("it took until tick %d", n)
		}
	})
}

func TestStateIsReadWhileATickWaitsForItsProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddLocality(rttProbe{"hung", func(ctx context.Context) ([]mesh.RTTSample, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		pass(interval + budget/2)
		var passes uint64
		if err := r.Feed().ReadState(t.Context(), func(s *state.State) { passes = s.Passes() }); err != nil || passes != 0 {
			t.Errorf("error %v, %d passes", err, passes)
		}
		if since := time.Since(r.begun); since >= interval+budget {
			t.Errorf("it took until %v, when the tick was over", since)
		}
	})
}

func TestAPanicInAStateReadIsReturnedAsItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		err := r.Feed().ReadState(t.Context(), func(*state.State) { panic("boom") })
		if err == nil || !strings.Contains(err.Error(), "read the state: panicked at stateread_test.go:") ||
			!strings.HasSuffix(err.Error(), ": boom") {
			t.Errorf("error %v", err)
		}
		if s := r.ticks(2); s.Tick != 2 || len(s.Failures) > 0 {
			t.Errorf("after it: tick %d, failures %v", s.Tick, s.Failures)
		}
	})
}

// Ten goroutines that read the state all the time take a tenth of the loop's time, and
// no flood of events keeps them out.
func TestStateReadsTakeTurnsAndATenthOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = interval / 10
		r := start(t)
		flood, stop := context.WithCancel(context.Background())
		defer stop()
		go func() {
			for flood.Err() == nil {
				_ = r.h.TryPublish(mesh.RTTSample{Peer: 2, RTT: 1})
				time.Sleep(time.Millisecond)
			}
		}()
		inside, most := 0, 0
		var reads list[time.Duration]
		for range 10 {
			go func() {
				for flood.Err() == nil {
					_ = r.Feed().ReadState(flood, func(*state.State) {
						inside++
						most = max(most, inside)
						time.Sleep(long)
						inside--
					})
					reads.add(time.Since(r.begun))
				}
			}()
		}
		pass(20 * interval)
		seen := r.Reader().Latest()
		stop()
		synctest.Wait()
		if most != 1 {
			t.Errorf("%d reads at once", most)
		}
		if n := len(reads.all()); n < 15 {
			t.Errorf("%d reads in 20 intervals", n)
		}
		if seen.Tick < 17 {
			t.Errorf("%d ticks in 20 intervals", seen.Tick)
		}
	})
}

func TestStateReadEndsWithItsContextAndWithTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		visit := func(*state.State) { t.Error("it was called") }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Feed().ReadState(ctx, visit); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the loop runs: error %v", err)
		}
		if err := r.Feed().ReadState(ctx, visit); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that is over: error %v", err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- r.Feed().ReadState(context.Background(), func(*state.State) {}) }()
		synctest.Wait()
		r.run()
		if err := <-waiting; err != nil {
			t.Errorf("a read that waited for the loop: error %v", err)
		}
		r.cancel()
		<-r.Done()
		if err := r.Feed().ReadState(context.Background(), visit); !errors.Is(err, ErrLoopClosed) {
			t.Errorf("after the loop: error %v", err)
		}
	})
}

func TestAStateReadThatWaitsReturnsWhenTheLoopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		began, goOn := make(chan struct{}), make(chan struct{})
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			first <- r.Feed().ReadState(context.Background(), func(*state.State) {
				close(began)
				<-goOn
			})
		}()
		<-began
		go func() { second <- r.Feed().ReadState(context.Background(), func(*state.State) {}) }()
		synctest.Wait()
		r.cancel()
		close(goOn)
		if err := <-first; err != nil {
			t.Errorf("the read that was being served: %v", err)
		}
		if err := <-second; err != nil && !errors.Is(err, ErrLoopClosed) {
			t.Errorf("the read that waited: %v", err)
		}
		<-r.Done()
	})
}

// An idle loop serves the next read when its pause is over, not only at the next tick.
func TestStateReadsTakeTurnsWhileNothingElseHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = time.Millisecond
		r := start(t)
		for range 5 {
			if err := r.Feed().ReadState(t.Context(), func(*state.State) { time.Sleep(long) }); err != nil {
				t.Fatal(err)
			}
		}
		if took, most := time.Since(r.begun), (5+4*readPause)*long; took != most {
			t.Errorf("five reads took %v, want %v", took, most)
		}
	})
}
