package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/internal/backoff"
	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// list fetches the list of migrations in the background, so that get returns at once,
// however slow the orchestrator is.
type list struct {
	fetch      func(context.Context) ([]*meshosv1.MigrationView, error)
	interval   time.Duration
	staleAfter time.Duration
	changed    func(err error) // called when fetching begins to fail (err) and works again (nil)

	wake chan struct{} // asks for a fetch now; holds one request

	mu   sync.Mutex
	good []*meshosv1.MigrationView // never changed once stored
	at   time.Time                 // when the good list was requested; zero: never
	err  error                     // of the last fetch
}

// maxPause is the longest pause between fetches after failures, unless interval is
// longer.
const maxPause = 10 * time.Second

func newList(
	interval, staleAfter time.Duration,
	fetch func(context.Context) ([]*meshosv1.MigrationView, error), changed func(error),
) *list {
	return &list{
		fetch: fetch, interval: interval, staleAfter: staleAfter, changed: changed,
		wake: make(chan struct{}, 1),
	}
}

// run fetches until ctx ends: every interval, less often after failures, and at once
// when woken.
func (l *list) run(ctx context.Context) {
	failures := 0
	for {
		asked := time.Now()
		got, err := l.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != (failures > 0) {
			l.changed(err)
		}
		if err != nil {
			failures++
		} else {
			failures = 0
		}
		l.store(got, asked, err)
		timer := time.NewTimer(l.pause(failures, err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// pause returns the time until the next fetch.
func (l *list) pause(failures int, err error) time.Duration {
	pause := l.interval
	if failures > 0 {
		pause = backoff.Doubling{First: 2 * l.interval, Max: max(maxPause, l.interval)}.After(failures)
	}
	return max(pause, min(askedToWait(err), l.staleAfter))
}

func (l *list) store(got []*meshosv1.MigrationView, asked time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	if err == nil {
		l.good, l.at = got, asked
	}
}

// refresh asks for a fetch now, without waiting for it.
func (l *list) refresh() {
	select {
	case l.wake <- struct{}{}:
	default: // a fetch is already requested
	}
}

// lastError returns the error of the last fetch, or nil.
func (l *list) lastError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// get returns the last good list, with its durations extended until now, or UNAVAILABLE if
// there is none or it is stale.
func (l *list) get() ([]*meshosv1.MigrationView, error) {
	l.mu.Lock()
	good, at, err := l.good, l.at, l.err
	l.mu.Unlock()
	age := time.Since(at)
	switch {
	case at.IsZero() && err == nil:
		return nil, pluginsdk.Unavailable(errors.New("the first list of migrations has not arrived yet"))
	case at.IsZero():
		return nil, pluginsdk.Unavailable(fmt.Errorf("no list of migrations yet: %w", err))
	case age > l.staleAfter && err == nil:
		return nil, pluginsdk.Unavailable(fmt.Errorf("the list of migrations is %s old and the next has not arrived", age.Round(time.Second)))
	case age > l.staleAfter:
		return nil, pluginsdk.Unavailable(fmt.Errorf("the list of migrations is %s old: %w", age.Round(time.Second), err))
	}
	out := make([]*meshosv1.MigrationView, len(good))
	for i, m := range good {
		m = proto.CloneOf(m)
		m.Elapsed, m.InPhase = later(m.GetElapsed(), age), later(m.GetInPhase(), age)
		out[i] = m
	}
	return out, nil
}

// later adds age to a duration that has grown since the list was requested.
func later(d *durationpb.Duration, age time.Duration) *durationpb.Duration {
	v := d.AsDuration()
	if v > math.MaxInt64-age {
		return d
	}
	return durationpb.New(v + age)
}
