package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/catalogtest"
)

// asProcess starts this plugin as a node does, with short waits after a kill.
func asProcess(t *testing.T, config map[string]any) *catalog.Catalog {
	t.Helper()
	return catalogtest.Start(t, "tail-events", config, func(o *catalog.Options) { o.Rand = func() float64 { return 0.1 } })
}

// The process is killed again and again while the file grows: no line is lost, and
// only those come twice that were sent shortly before a kill.
func TestAKilledProcessLosesNoLine(t *testing.T) {
	const lines, kills, settle = 400, 3, 200 * time.Millisecond
	path := filepath.Join(t.TempDir(), "events.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := asProcess(t, map[string]any{"path": path, "poll": "2ms", "settle": settle.String()})
	src, err := c.EventSource("tail-events")
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	times := make([]int, lines+1)      // how often a line was heard
	when := make([]time.Time, lines+1) // and when first
	last := 0
	var again time.Duration // how long ago the oldest line was heard that came twice
	take := func(_ context.Context, events []catalog.Heard) error {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range events {
			n, err := strconv.Atoi(e.Event.(mesh.LogLine).Message)
			if err != nil {
				return err
			}
			if times[n]++; times[n] == 1 {
				if n != last+1 {
					t.Errorf("line %d came after %d", n, last)
				}
				last, when[n] = n, time.Now()
			} else {
				again = max(again, time.Since(when[n]))
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	listened := make(chan struct{})
	go func() { // as a node does
		defer close(listened)
		for ctx.Err() == nil {
			renewed := src.Renewed()
			var away *catalog.NotReadyError
			if err := src.Stream(ctx, take); !errors.As(err, &away) && !errors.Is(err, catalog.ErrUnavailable) && ctx.Err() == nil {
				t.Errorf("the stream ended with %v", err)
			}
			select {
			case <-renewed:
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	heard := func(n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return last >= n
		}
	}
	down := time.Duration(0)
	for n := 1; n <= lines; n++ {
		if _, err := f.WriteString(said(strconv.Itoa(n))); err != nil {
			t.Fatal(err)
		}
		if n%5 == 0 {
			catalogtest.Until(t, "a line", heard(n-20)) // keeps writer and reader together
		}
		if n%100 == 50 && n/100 < kills {
			catalogtest.Until(t, "lines before the kill", heard(n-5))
			began, restarts := time.Now(), catalogtest.View(c).Restarts
			if err := syscall.Kill(catalogtest.View(c).PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			catalogtest.Until(t, "it is back", func() bool {
				v := catalogtest.View(c)
				return v.Restarts > restarts && v.Status == snapshot.PluginReady
			})
			down = max(down, time.Since(began))
		}
	}
	catalogtest.Until(t, "the last line", heard(lines))
	cancel()
	<-listened
	for n := 1; n <= lines; n++ {
		if times[n] < 1 || times[n] > 1+kills {
			t.Errorf("line %d was heard %d times", n, times[n])
		}
	}
	// A line counts after settle, and is noted within an eighth of it and a poll.
	if most := settle + settle/4 + down + time.Second; again > most {
		t.Errorf("a line came again after %v, want at most %v", again, most)
	}
}
