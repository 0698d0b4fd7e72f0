package plugins

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
)

// script is an event source whose streams go as its steps say, the last one again
// and again.
type script struct {
	mu      sync.Mutex
	steps   []func(ctx context.Context, take func(...string) error) error
	streams int
	renewal chan struct{}
}

func play(steps ...func(ctx context.Context, take func(...string) error) error) *script {
	return &script{steps: steps, renewal: make(chan struct{})}
}

func (s *script) Name() string { return "x" }

func (s *script) Renewed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewal
}

func (s *script) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.renewal)
	s.renewal = make(chan struct{})
}

func (s *script) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

func (s *script) Stream(ctx context.Context, take func(context.Context, []answers.Event) error) error {
	s.mu.Lock()
	step := s.steps[min(s.streams, len(s.steps)-1)]
	s.streams++
	s.mu.Unlock()
	return step(ctx, func(texts ...string) error { return take(ctx, heard(texts...)) })
}

func fails(ctx context.Context, take func(...string) error) error {
	return errors.New("no sensor")
}

// stays streams some events and goes on.
func stays(texts ...string) func(ctx context.Context, take func(...string) error) error {
	return func(ctx context.Context, take func(...string) error) error {
		if err := take(texts...); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// ends streams some events and ends the stream without an error.
func ends(texts ...string) func(ctx context.Context, take func(...string) error) error {
	return func(_ context.Context, take func(...string) error) error { return take(texts...) }
}

// followed are sources without any yet.
func followed(w *world) *sources {
	return &sources{w.events(), slog.New(slog.DiscardHandler), newTasks()}
}

// following runs a test with a source that is followed.
func following(t *testing.T, w *world, s *script, test func(*sources)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.renewal = make(chan struct{}) // of this bubble
		all := followed(w)
		all.add(s)
		test(all)
		all.streams.(*tasks).close()
		all.add(s) // too late: the bubble would not end
	})
}

func TestTheEventsOfASourceAreTaken(t *testing.T) {
	w, s := &world{room: -1}, play(stays("a", "b"))
	following(t, w, s, func(*sources) { synctest.Wait() })
	if taken, failures := w.seen(); strings.Join(taken, "") != "ab" || len(failures) != 0 {
		t.Errorf("took %v, reported %q", taken, failures)
	}
}

func TestABrokenStreamIsOpenedAgainAndReportedOnce(t *testing.T) {
	w, s := &world{room: -1}, play(stays("a"), fails, fails, fails, fails, stays("b"))
	s.steps[0] = func(_ context.Context, take func(...string) error) error {
		return errors.Join(take("a"), errors.New("cut off"))
	}
	following(t, w, s, func(*sources) {
		time.Sleep(100*time.Millisecond + 200*time.Millisecond - 1)
		synctest.Wait()
		if n := s.opened(); n != 2 {
			t.Errorf("%d streams before the second pause was over", n)
		}
		time.Sleep(time.Minute)
	})
	taken, failures := w.seen()
	if strings.Join(taken, "") != "ab" || len(failures) != 1 ||
		failures[0] != "event_source:x: its stream broke and is opened again: cut off" {
		t.Errorf("took %v, reported %q", taken, failures)
	}
}

func TestTheStreamOfANewProcessIsOpenedAtOnce(t *testing.T) {
	w, s := &world{room: -1}, play(fails, fails, fails, fails, fails, fails, fails, fails, stays("b"))
	following(t, w, s, func(*sources) {
		time.Sleep(13 * time.Second) // the pause is 10 s by now
		synctest.Wait()
		before := s.opened()
		s.renew()
		synctest.Wait()
		if taken, _ := w.seen(); s.opened() != before+1 || len(taken) != 1 {
			t.Errorf("%d streams, then %d; took %v", before, s.opened(), taken)
		}
	})
}

func TestAStreamThatLastedBeginsANewOutage(t *testing.T) {
	long := func(ctx context.Context, _ func(...string) error) error {
		timer := time.NewTimer(lasted)
		defer timer.Stop()
		select {
		case <-timer.C:
			return errors.New("tired")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w := &world{room: -1}
	following(t, w, play(fails, long, fails, fails, stays()), func(*sources) { time.Sleep(time.Minute) })
	if _, failures := w.seen(); len(failures) != 2 || !strings.Contains(failures[1], "tired") {
		t.Errorf("reported %q", failures)
	}
}

func TestASourceThatEndedItsStreamIsAskedAgainWhenItIsAnother(t *testing.T) {
	w, s := &world{room: -1}, play(ends("a"), ends("b"))
	following(t, w, s, func(*sources) {
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := s.opened(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.renew()
		synctest.Wait()
	})
	if taken, failures := w.seen(); strings.Join(taken, "") != "ab" || len(failures) != 0 {
		t.Errorf("took %v, reported %q", taken, failures)
	}
}

func TestASourceIsLeftWhenTheLoopHasEnded(t *testing.T) {
	w, s := &world{room: 0, err: loop.ErrLoopClosed}, play(ends("a"))
	following(t, w, s, func(*sources) { time.Sleep(time.Minute) })
	if _, failures := w.seen(); s.opened() != 1 || len(failures) != 0 {
		t.Errorf("%d streams, reported %q", s.opened(), failures)
	}
}

func TestARemovedSourceIsNotFollowedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := &world{room: -1}, play(fails)
		all := followed(w)
		remove := all.add(s)
		synctest.Wait()
		remove()
		synctest.Wait()
		time.Sleep(time.Minute)
		if n := s.opened(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		all.streams.(*tasks).close()
	})
}
