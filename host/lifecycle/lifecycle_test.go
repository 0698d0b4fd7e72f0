package lifecycle_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/lifecycle"
)

// world notes what parts do, and what is logged.
type world struct {
	mu    sync.Mutex
	notes []string
	log   bytes.Buffer
}

func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, what)
}

// said returns what was noted. A part that is left behind may still note something.
func (w *world) said() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.notes)
}

// part is a part that takes its time to stop and then to return.
func (w *world) part(name string, limit, stop, leave time.Duration) lifecycle.Part {
	return lifecycle.Part{
		Name: name, Limit: limit,
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(leave)
			w.note(name + " returned")
			return ctx.Err()
		},
		Stop: func(ctx context.Context) {
			w.note(name + " stops")
			select {
			case <-time.After(stop):
			case <-ctx.Done():
				w.note(name + " out of time")
			}
		},
	}
}

// run runs parts until the end is asked for after a second, and returns how long that
// took.
func (w *world) run(total time.Duration, parts ...lifecycle.Part) (took time.Duration, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	var asked time.Time
	go func() {
		time.Sleep(time.Second)
		asked = time.Now()
		cancel()
	}()
	err = lifecycle.Run(ctx, slog.New(slog.NewTextHandler(&w.log, nil)), total, nil, parts)
	return time.Since(asked), err
}

func TestPartsEndInReverseOrderEachBeforeTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		took, err := w.run(5*time.Second,
			w.part("a", time.Second, 0, 20*time.Millisecond),
			w.part("b", time.Second, 100*time.Millisecond, 0),
			w.part("c", time.Second, 0, 0))
		if err != nil || took != 120*time.Millisecond {
			t.Errorf("took %v, %v", took, err)
		}
		want := []string{"c stops", "c returned", "b stops", "b returned", "a stops", "a returned"}
		if !slices.Equal(w.said(), want) {
			t.Errorf("got %q", w.said())
		}
		if strings.Contains(w.log.String(), "level=ERROR") {
			t.Error(w.log.String())
		}
	})
}

func TestAPartThatDoesNotEndCostsItsLimitAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		took, err := w.run(5*time.Second,
			w.part("a", time.Second, 0, 0),
			w.part("hangs", 300*time.Millisecond, time.Minute, 0),
			w.part("lingers", 200*time.Millisecond, 0, time.Minute))
		if err != nil || took != 500*time.Millisecond {
			t.Errorf("took %v, %v", took, err)
		}
		for _, want := range []string{"part=hangs limit=300ms", "part=lingers limit=200ms", "left behind"} {
			if !strings.Contains(w.log.String(), want) {
				t.Errorf("%q is not in %s", want, w.log.String())
			}
		}
		time.Sleep(time.Minute) // the bubble's: those left behind end
	})
}

func TestARestIsWhatOthersLeaveAndNobodyTakesTheLimitOfAnother(t *testing.T) {
	for name, tc := range map[string]struct {
		before, rest time.Duration // how long the part before takes; what the greedy one gets
	}{
		"all of it":    {0, 4 * time.Second},
		"what is left": {500 * time.Millisecond, 3500 * time.Millisecond},
		"its own":      {time.Minute, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w world
				greedy := w.part("greedy", time.Second, time.Hour, 0)
				greedy.Rest = true
				took, _ := w.run(5*time.Second,
					w.part("last", time.Second, 0, 0), greedy, w.part("before", time.Second, tc.before, 0))
				if want := min(tc.before, time.Second) + tc.rest; took != want {
					t.Errorf("took %v, want %v", took, want)
				}
				if !slices.Contains(w.said(), "last returned") {
					t.Errorf("%q", w.said())
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func TestAFailureEndsAllAndIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		fails := lifecycle.Part{Name: "fails", Limit: time.Second, Run: func(context.Context) error { return io.ErrUnexpectedEOF }}
		idle := lifecycle.Part{Name: "idle", Limit: time.Second, Run: func(context.Context) error { return nil }}
		err := lifecycle.Run(t.Context(), slog.New(slog.NewTextHandler(&w.log, nil)), 5*time.Second, nil,
			[]lifecycle.Part{w.part("a", time.Second, 0, 0), idle, fails})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Contains(w.said(), "a returned") {
			t.Errorf("%v after %q", err, w.said())
		}
		if strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("the cause was logged as another fault: %s", w.log.String())
		}
	})
}

func TestErrEndIsAnOrderlyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		ends := lifecycle.Part{Name: "ends", Limit: time.Second, Run: func(context.Context) error { return lifecycle.ErrEnd }}
		err := lifecycle.Run(t.Context(), slog.New(slog.NewTextHandler(&w.log, nil)), 5*time.Second, nil,
			[]lifecycle.Part{w.part("a", time.Second, 0, 0), ends})
		if err != nil || !slices.Contains(w.said(), "a returned") || !strings.Contains(w.log.String(), `why="it was asked to"`) {
			t.Errorf("%v after %q: %s", err, w.said(), w.log.String())
		}
	})
}

func TestWhatAPartSaysWhileItEndsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		says := lifecycle.Part{Name: "says", Limit: time.Second, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("a probe was given up")
		}}
		if _, err := w.run(5*time.Second, says); err != nil {
			t.Error(err)
		}
		if !strings.Contains(w.log.String(), "a probe was given up") {
			t.Error(w.log.String())
		}
	})
}

func TestAnEndAtOnceWaitsForNothingAndNamesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		ctx, cancel := context.WithCancel(t.Context())
		abort := make(chan struct{})
		began := time.Now()
		go func() {
			time.Sleep(time.Second)
			cancel()
			time.Sleep(time.Second)
			close(abort)
		}()
		err := lifecycle.Run(ctx, slog.New(slog.NewTextHandler(&w.log, nil)), time.Hour, abort, []lifecycle.Part{
			w.part("below", time.Minute, time.Minute, 0), w.part("hangs", time.Minute, time.Minute, 0), w.part("done", time.Minute, 0, 0),
		})
		if took := time.Since(began); !errors.Is(err, lifecycle.ErrAborted) || took != 2*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		for part, left := range map[string]bool{"part=below": true, "part=hangs": true, "part=done": false} {
			if strings.Contains(w.log.String(), part) != left {
				t.Errorf("%s: %s", part, w.log.String())
			}
		}
		time.Sleep(time.Hour)
	})
}
