package pluginsdk

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// stuck is an instance whose methods hang until they are released.
type stuck struct {
	run, close chan struct{}
	closed     atomic.Bool
}

func (s *stuck) Run(context.Context) error {
	<-s.run
	return nil
}

func (s *stuck) Close() error {
	s.closed.Store(true)
	<-s.close
	return nil
}

func open() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestAnInstanceEndsInTimeWhateverHangs(t *testing.T) {
	for _, c := range []struct {
		name             string
		call, run, close bool // what hangs
		within           time.Duration
		says             []string
	}{
		{"nothing", false, false, false, 0, nil},
		{"a call", true, false, false, 3 * time.Second, []string{"calls with the old configuration take too long", "what=\"a call\""}},
		{"Run", false, true, false, time.Second, []string{"what=Run"}},
		{"Close", false, false, true, time.Second, []string{"what=Close"}},
		{"everything", true, true, true, 5 * time.Second, []string{"what=\"a call\"", "what=Run", "what=Close"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				s := &stuck{run: open(), close: open()}
				if c.run {
					s.run = make(chan struct{})
				}
				if c.close {
					s.close = make(chan struct{})
				}
				i := newInstance(s, hclog.New(&hclog.LoggerOptions{Output: &log}))
				i.start(open())
				synctest.Wait() // Run is running
				if c.call {
					i.enter()
				}
				began := time.Now()
				i.retire(4 * time.Second)
				if d := time.Since(began); d > c.within {
					t.Errorf("took %s", d)
				}
				if !s.closed.Load() {
					t.Error("not closed")
				}
				if i.calls.Err() == nil || i.run.Err() == nil || i.streams.Err() == nil {
					t.Error("something may still run")
				}
				for _, text := range c.says {
					if !strings.Contains(log.String(), text) {
						t.Errorf("the log lacks %s: %s", text, log.String())
					}
				}
				if c.run {
					close(s.run)
				}
				if c.close {
					close(s.close)
				}
			})
		})
	}
}

func TestACallThatEndsWhenCancelledIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(struct{}{}, hclog.NewNullLogger())
		i.start(open())
		i.enter()
		go func() {
			<-i.calls.Done()
			time.Sleep(time.Millisecond) // fake time: the call cleans up
			i.release()
		}()
		began := time.Now()
		i.retire(4 * time.Second)
		if d := time.Since(began); d != 2*time.Second+time.Millisecond {
			t.Errorf("took %s", d)
		}
	})
}

func TestCloseEndsInTimeThoughAConstructorHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := NewServer(Info{Name: "x"}, func(Env, struct{}) (*pages, error) { return nil, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.admin <- struct{}{} // a constructor is running and does not end
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("took %s", d)
		}
		if _, err := s.acquire(); !errors.Is(err, errShuttingDown) {
			t.Errorf("a late call got %v", err)
		}
	})
}
