package loop

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
	"github.com/meshos/meshos/internal/testkit"
)

func TestBeforeTheFirstTickOnlyNodeAndEpochAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(s *setup) { s.boot.Desired.Peers = []mesh.ConfiguredPeer{{ID: 4}} })
		want := &snapshot.Snapshot{Node: this, Epoch: 7}
		if got := r.Reader().Latest(); !reflect.DeepEqual(want, got) {
			t.Errorf("got %+v", got)
		}
		if !r.LastTickAt().IsZero() {
			t.Errorf("last tick at %v before any", r.LastTickAt())
		}
	})
}

func TestLOP15_CopiesOfAReaderReadTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		one := r.Reader()
		two := one
		r.publish(holder(1, 2))
		r.ticks(1)
		if one.Latest() != two.Latest() || one.Latest() != r.Reader().Latest() || one.Latest().Tick != 1 {
			t.Errorf("readers see ticks %d and %d, want both 1", one.Latest().Tick, two.Latest().Tick)
		}
	})
}

func TestWatchersSeeEveryTickWithoutPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var seen list[uint64]
		go func() {
			for {
				changed := r.Reader().Changed()
				seen.add(r.Reader().Latest().Tick)
				select {
				case <-changed:
				case <-r.Reader().Done():
					return
				}
			}
		}()
		r.ticks(4)
		if diff := cmp.Diff([]uint64{0, 1, 2, 3, 4}, seen.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPublishedSnapshotNeverChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(holder(1, 2), mesh.RTTSample{Peer: 3, RTT: 1}, mesh.LogLine{Message: "a"})
		kept := r.ticks(1)
		peers, holders, logs := peer(kept, 3).RTT, len(holds(kept, 1)), len(kept.Logs)
		r.publish(holder(1, 3), mesh.RTTSample{Peer: 3, RTT: 2}, mesh.LogLine{Message: "b"})
		r.ticks(1)
		if peer(kept, 3).RTT != peers || len(holds(kept, 1)) != holders || len(kept.Logs) != logs {
			t.Errorf("a published snapshot changed: %+v", kept)
		}
	})
}

// TestLOP08_SpinningReadersAndTicksAllProgress runs on the real clock: readers
// that spin would keep a bubble's clock still.
func TestLOP08_SpinningReadersAndTicksAllProgress(t *testing.T) {
	l := New(Config{TickInterval: time.Millisecond}, state.New(state.Boot{Node: this, Policy: statetest.Policy()}))
	h := l.Handle()
	ran := make(chan error, 1)
	go func() { ran <- l.Run(context.Background(), Hooks{}) }()
	var stop atomic.Bool
	var wg sync.WaitGroup
	reads := make([]atomic.Uint64, 8)
	for i := range reads {
		wg.Go(func() {
			for last := uint64(0); !stop.Load(); reads[i].Add(1) {
				s := l.Reader().Latest()
				if s.Tick < last {
					t.Errorf("tick %d came after %d", s.Tick, last)
					return
				}
				last = s.Tick
			}
		})
	}
	limit := time.After(testkit.Patience)
	progressed := func() bool {
		for i := range reads {
			if reads[i].Load() == 0 {
				return false
			}
		}
		return l.count.stats().Ticks >= 5
	}
	for !progressed() {
		select {
		case <-l.Reader().Changed():
		case <-limit:
			t.Fatalf("%d ticks in 20 s while readers spin, or one of them never read", l.count.stats().Ticks)
		}
	}
	stop.Store(true)
	wg.Wait()
	h.Close()
	if err := <-ran; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestThousandsOfWatchersDoNotDelayTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var woken atomic.Int64
		for range 5000 {
			go func() {
				for {
					select {
					case <-r.Reader().Changed():
						woken.Add(1)
					case <-r.Reader().Done():
						return
					}
				}
			}()
		}
		s := r.ticks(3)
		if s.Tick != 3 || woken.Load() < 3*5000 {
			t.Errorf("%d ticks woke %d watchers, want 3 and 15000", s.Tick, woken.Load())
		}
	})
}
