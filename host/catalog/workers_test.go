package catalog

import (
	"context"
	"testing"
	"testing/synctest"
)

// Each call gets a goroutine at once, however many are in flight, a few of them stay for the next,
// and all end with the process.
func TestTheWorkersOfAProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newWorkers(ctx)
		for range 2 {
			release := make(chan struct{})
			runs := make(chan struct{}, maxCalls)
			for range maxCalls {
				w.run(func() { runs <- struct{}{}; <-release })
			}
			synctest.Wait()
			if began := len(runs); began != maxCalls {
				t.Fatalf("%d of %d run at once", began, maxCalls)
			}
			close(release)
			synctest.Wait()
			if got := w.spare.Load(); got != idleWorkers {
				t.Errorf("%d goroutines wait, want %d", got, idleWorkers)
			}
		}
		cancel()
		w.wait()
	})
}
