package executor_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// pressed notes the calls of Options.Backpressure, with their times.
func pressed(heard *notes) func(*executor.Options) {
	return func(o *executor.Options) {
		o.Admission = executor.DefaultAdmission()
		o.Admission.BackpressureHigh, o.Admission.BackpressureLow = 10, 4
		begun := time.Now()
		o.Backpressure = func(on bool, level float64) {
			heard.add("%v %v %v", time.Since(begun), on, level)
		}
	}
}

// Ten wait or are under way at the beginning, and one is done each second.
func TestB5_BackpressureIsNotifiedOncePerEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard notes
		n := startNode(t, time.Hour, slow(time.Second), pressed(&heard), func(o *executor.Options) { o.Admission.Workers = 1 })
		for id := range mesh.DaemonID(10) {
			n.emit(start(id + 1))
		}
		rest(time.Minute)
		if got, want := heard.take(), []string{"0s true 1", "6s false 0"}; !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		n.counts(executor.Counters{Dispatched: 10, BackpressureAsserts: 1, BackpressureReleases: 1})
		n.close()
	})
}

// While the executor takes nothing, others fill the queue: only the idle tick sees it.
func TestB5_TheIdleTickChecksTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard notes
		begun := time.Now()
		actions := make(chan mesh.Emitted, 8)
		o := executor.Options{
			Dispatcher: slow(30 * time.Second), Outcomes: deaf{}, Timeout: time.Hour,
			Now: func() mesh.Time { return mesh.Time(time.Since(begun)) },
		}
		pressed(&heard)(&o)
		o.Admission.Workers, o.Admission.BackpressureHigh = 1, 16
		ex := executor.New(o)
		ended := make(chan error, 1)
		go func() { ended <- ex.Run(t.Context(), actions) }()
		emit := func(from, to mesh.ActionID) {
			for id := from; id <= to; id++ {
				actions <- mesh.Emitted{ID: id, Action: start(mesh.DaemonID(id)), At: o.Now()}
				synctest.Wait()
			}
		}
		emit(1, 9) // one under way, eight in lanes: what comes now stays in the queue
		rest(time.Second + 50*time.Millisecond)
		emit(10, 16)
		if early := heard.take(); len(early) != 0 || len(actions) != 7 {
			t.Errorf("heard %v with %d in the queue", early, len(actions))
		}
		rest(50 * time.Millisecond)
		if got, want := heard.take(), []string{"1.1s true 1"}; !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		close(actions)
		rest(time.Hour)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// What waits for a retry or for the pull slot counts too.
func TestB5_WhatIsDeferredCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard notes
		n := startNode(t, time.Hour, failing(1, later(5*time.Second)), pressed(&heard))
		for id := range mesh.DaemonID(10) {
			n.emit(start(id + 1))
		}
		rest(time.Minute)
		if got, want := heard.take(), []string{"0s true 1", "5s false 0"}; !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		n.close()
	})
}

func TestB5_AListenerThatHangsOrPanicsHoldsUpNothing(t *testing.T) {
	listeners := map[string]func(release <-chan struct{}){
		"hangs":  func(release <-chan struct{}) { <-release },
		"panics": func(<-chan struct{}) { panic("boom") },
	}
	for name, listen := range listeners {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard notes
				release := make(chan struct{})
				n := startNode(t, time.Minute, dispatch(nothing), pressed(&heard), func(o *executor.Options) {
					o.Backpressure = func(bool, float64) { listen(release) }
				})
				for range 4 {
					for id := range mesh.DaemonID(20) {
						n.emit(start(id + 1))
					}
					synctest.Wait()
				}
				c := n.exec.Counters()
				if c.Dispatched+c.Withdrawn != 80 || c.BackpressureAsserts == 0 || c.BackpressureAsserts != c.BackpressureReleases {
					t.Errorf("counters: %+v", c)
				}
				n.stop()
				_, err := n.end()
				var left *executor.LeftBehindError
				if hangs := name == "hangs"; errors.As(err, &left) != hangs ||
					hangs && left.What[0] != "the listener to backpressure" {
					t.Errorf("got error %v", err)
				}
				close(release)
			})
		})
	}
}

// While a call is out, a change and its opposite cancel out; the last call is with the
// present state.
func TestB5_ASlowListenerGetsThePresentState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard notes
		n := startNode(t, time.Hour, dispatch(func(_ context.Context, e mesh.Emitted) error {
			if time.Sleep(time.Second); e.ID > 2 {
				time.Sleep(99 * time.Second)
			}
			return nil
		}), admit(func(a *executor.Admission) { a.BackpressureHigh, a.BackpressureLow = 2, 0 }), func(o *executor.Options) {
			o.Backpressure = func(on bool, _ float64) {
				time.Sleep(10 * time.Second)
				heard.add("%v", on)
			}
		})
		n.emit(start(1), start(2)) // on, and off after a second
		rest(2 * time.Second)
		n.emit(start(1), start(2)) // on, and off after 100 s
		rest(time.Minute)
		if got, want := heard.take(), []string{"true"}; !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		rest(time.Minute)
		if got, want := heard.take(), []string{"false"}; !slices.Equal(got, want) {
			t.Errorf("heard %v, want %v", got, want)
		}
		n.counts(executor.Counters{Dispatched: 4, BackpressureAsserts: 2, BackpressureReleases: 2})
		n.close()
	})
}
