package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// source is a fake orchestrator whose answers a test sets.
type source struct {
	mu    sync.Mutex
	calls int
	takes time.Duration
	err   error
}

// answers sets what the next fetches get, and how long they take.
func (s *source) answers(err error, takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.takes = err, takes
}

// asked returns the number of fetches.
func (s *source) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *source) fetch(ctx context.Context) ([]*meshosv1.MigrationView, error) {
	s.mu.Lock()
	s.calls++
	err, takes := s.err, s.takes
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(takes):
	}
	if err != nil {
		return nil, err
	}
	return []*meshosv1.MigrationView{{
		Migration: 7, Elapsed: durationpb.New(time.Minute), InPhase: durationpb.New(time.Second),
	}}, nil
}

// inBubble runs a list over src in virtual time.
func inBubble(t *testing.T, src *source, test func(t *testing.T, l *list, changes *[]error)) {
	synctest.Test(t, func(t *testing.T) {
		var changes []error
		l := newList(time.Second, 30*time.Second, src.fetch, func(err error) { changes = append(changes, err) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); l.run(ctx) }()
		synctest.Wait()
		test(t, l, &changes)
		cancel()
		<-done
	})
}

func wait(d time.Duration) {
	time.Sleep(d) // virtual time
	synctest.Wait()
}

func TestListIsFetchedEveryInterval(t *testing.T) {
	src := &source{}
	inBubble(t, src, func(t *testing.T, l *list, changes *[]error) {
		wait(10 * time.Second)
		if src.asked() != 11 {
			t.Errorf("%d fetches in 10 s, want 11", src.asked())
		}
		if len(*changes) != 0 {
			t.Errorf("said %v, want nothing while all is well", *changes)
		}
	})
}

func TestDurationsOfTheListGrow(t *testing.T) {
	inBubble(t, &source{}, func(t *testing.T, l *list, _ *[]error) {
		wait(700 * time.Millisecond)
		for range 2 { // twice: the kept list must not grow
			got, err := l.get()
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if e := got[0].GetElapsed().AsDuration(); e != time.Minute+700*time.Millisecond {
				t.Errorf("elapsed %v after 700ms", e)
			}
			if p := got[0].GetInPhase().AsDuration(); p != 1700*time.Millisecond {
				t.Errorf("in_phase %v after 700ms", p)
			}
		}
	})
}

func TestAfterFailuresFetchesAreRarerAndLoggedOnce(t *testing.T) {
	src := &source{err: errors.New("no connection")}
	inBubble(t, src, func(t *testing.T, l *list, changes *[]error) {
		wait(59 * time.Second) // 2+4+8+10+10+10+10 = 54
		if src.asked() != 8 {
			t.Errorf("%d fetches in 59 s of failures, want 8", src.asked())
		}
		src.answers(nil, 0)
		wait(10 * time.Second)
		if len(*changes) != 2 || (*changes)[0] == nil || (*changes)[1] != nil {
			t.Errorf("said %v, want the failure once and its end once", *changes)
		}
		before := src.asked()
		wait(5 * time.Second)
		if src.asked() != before+5 {
			t.Errorf("%d fetches in 5 s after the recovery, want 5", src.asked()-before)
		}
	})
}

func TestRetryAfterDelaysTheNextFetch(t *testing.T) {
	src := &source{err: refused{error: errors.New("busy"), status: 503, after: 25 * time.Second}}
	inBubble(t, src, func(t *testing.T, _ *list, _ *[]error) {
		wait(24 * time.Second)
		if src.asked() != 1 {
			t.Errorf("%d fetches within Retry-After, want 1", src.asked())
		}
		wait(time.Second)
		if src.asked() != 2 {
			t.Errorf("%d fetches after Retry-After, want 2", src.asked())
		}
	})
}

func TestListBeforeTheFirstAnswerIsUnavailable(t *testing.T) {
	inBubble(t, &source{takes: time.Second}, func(t *testing.T, l *list, _ *[]error) {
		if _, err := l.get(); status.Code(err) != codes.Unavailable {
			t.Errorf("error %v, want UNAVAILABLE", err)
		}
		wait(time.Second)
		if got, err := l.get(); err != nil || len(got) != 1 {
			t.Errorf("got %v, %v after the first answer", got, err)
		}
	})
}

func TestStaleListIsUnavailableAndSaysWhy(t *testing.T) {
	src := &source{}
	inBubble(t, src, func(t *testing.T, l *list, _ *[]error) {
		src.answers(errors.New("connection refused"), 0)
		wait(30 * time.Second)
		if _, err := l.get(); err != nil {
			t.Errorf("a list of exactly stale_after: %v, want it served", err)
		}
		wait(time.Second)
		_, err := l.get()
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "31s old: connection refused") {
			t.Errorf("error %v, want UNAVAILABLE with age and cause", err)
		}
	})
}

func TestHungFetchMakesTheListStale(t *testing.T) {
	src := &source{}
	inBubble(t, src, func(t *testing.T, l *list, _ *[]error) {
		src.answers(nil, time.Hour)
		wait(40 * time.Second)
		if _, err := l.get(); status.Code(err) != codes.Unavailable {
			t.Errorf("error %v, want UNAVAILABLE", err)
		}
	})
}

func TestRefreshFetchesAtOnce(t *testing.T) {
	src := &source{}
	inBubble(t, src, func(t *testing.T, l *list, _ *[]error) {
		wait(100 * time.Millisecond)
		l.refresh()
		l.refresh() // asks for one only
		synctest.Wait()
		if src.asked() < 2 || src.asked() > 3 {
			t.Errorf("%d fetches, want one more", src.asked())
		}
	})
}
