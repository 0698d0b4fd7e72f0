package loop

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// benchLoop runs a loop on the real core until the benchmark is over.
func benchLoop(b *testing.B, cfg Config) *Loop {
	b.Helper()
	l := New(cfg, state.New(state.Boot{Node: this, Policy: statetest.Policy()}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, Hooks{}) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return l
}

// BenchmarkPublish measures events through handles into a running loop, from the
// first publish to the last fold.
func BenchmarkPublish(b *testing.B) {
	for _, producers := range []int{1, 4} {
		b.Run(fmt.Sprintf("%d-producers", producers), func(b *testing.B) {
			l := benchLoop(b, Config{})
			events := make([]mesh.Event, 64)
			for i := range events {
				events[i] = mesh.DaemonSaturationChanged{Daemon: mesh.DaemonRef{ID: mesh.DaemonID(i + 1)}, Saturation: 0.5}
			}
			b.ReportAllocs()
			b.ResetTimer()
			first := l.Handle() // keeps the loop running until all have published
			var wg sync.WaitGroup
			for p := range producers {
				n := b.N / producers
				if p == 0 {
					n += b.N % producers
				}
				h := l.Handle()
				wg.Go(func() {
					defer h.Close()
					for i := range n {
						if err := h.Publish(context.Background(), events[i%len(events)]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			first.Close() // the last one, so the loop ends after the backlog
			<-l.Done()
			if got := l.count.stats().EventsApplied; got != uint64(b.N) {
				b.Errorf("folded %d of %d events", got, b.N)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkSnapshotRead measures a read while the loop publishes all the time.
func BenchmarkSnapshotRead(b *testing.B) {
	l := benchLoop(b, Config{TickInterval: time.Millisecond})
	r := l.Reader()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r.Latest() == nil {
				b.Error("no snapshot")
			}
		}
	})
}
