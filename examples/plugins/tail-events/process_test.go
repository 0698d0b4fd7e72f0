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
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
)

// asProcess starts this plugin as a node does, with short waits after a kill.
// dir is the node's data directory.
func asProcess(t *testing.T, dir string, config map[string]any) *catalog.Catalog {
	t.Helper()
	return catalogtest.Start(t, "tail-events", config, func(o *catalog.Options) {
		o.DataDir, o.Rand = dir, func() float64 { return 0.1 }
	})
}

// The process is killed repeatedly while the file grows: no line is lost, and no line
// comes again whose position was saved before the kill.
func TestAKilledProcessLosesNoLine(t *testing.T) {
	const lines, kills = 400, 3
	dir := t.TempDir()
	path, remembered := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "plugins", "tail-events", "place.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := asProcess(t, dir, map[string]any{"path": path, "poll": "2ms", "settle": "200ms"})
	src, err := c.EventSource("tail-events")
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	times := make([]int, lines+1) // how often a line was heard
	last := 0
	kept := int64(0) // the line that a killed process had saved
	take := func(_ context.Context, events []answers.Event) error {
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
				last = n
			} else if int64(n) <= kept {
				t.Errorf("line %d came again, though line %d was remembered", n, kept)
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
	for n := 1; n <= lines; n++ {
		if _, err := f.WriteString(said(strconv.Itoa(n))); err != nil {
			t.Fatal(err)
		}
		if n%5 == 0 {
			testkit.Until(t, "a line", heard(n-20)) // keeps writer and reader together
		}
		if n%100 == 50 && n/100 < kills {
			testkit.Until(t, "lines before the kill", heard(n-5))
			var place *position
			testkit.Until(t, "a line more is remembered", func() bool {
				place, err = loadPosition(remembered)
				return err == nil && place != nil && place.Line > kept
			})
			restarts := catalogtest.View(c).Restarts
			if err := syscall.Kill(catalogtest.View(c).PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			kept = place.Line
			mu.Unlock()
			testkit.Until(t, "it is back", func() bool {
				v := catalogtest.View(c)
				return v.Restarts > restarts && v.Status == snapshot.PluginReady
			})
		}
	}
	testkit.Until(t, "the last line", heard(lines))
	cancel()
	<-listened
	for n := 1; n <= lines; n++ {
		if times[n] < 1 || times[n] > 1+kills {
			t.Errorf("line %d was heard %d times", n, times[n])
		}
	}
}
