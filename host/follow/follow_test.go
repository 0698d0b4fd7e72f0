package follow_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

// ticks follows the source and hands over the tick of each snapshot, until it ends.
func ticks(ctx context.Context, source follow.Source) <-chan uint64 {
	seen := make(chan uint64, 16)
	go func() {
		defer close(seen)
		for s := range follow.Snapshots(ctx, source) {
			seen <- s.Tick
		}
	}()
	return seen
}

func at(tick uint64) *snapshot.Snapshot { return &snapshot.Snapshot{Tick: tick} }

func drained(seen <-chan uint64) (out []uint64) {
	for tick := range seen {
		out = append(out, tick)
	}
	return out
}

func TestEachNewestSnapshotComesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := snapshottest.New(at(0))
		ctx, stop := context.WithCancel(t.Context())
		seen := ticks(ctx, board)
		for tick := range uint64(3) {
			synctest.Wait()
			board.Show(at(tick + 1))
		}
		synctest.Wait()
		stop()
		if got := drained(seen); !slices.Equal(got, []uint64{0, 1, 2, 3}) {
			t.Errorf("saw the ticks %v", got)
		}
	})
}

func TestASlowReaderGetsTheNewestNext(t *testing.T) {
	board := snapshottest.New(at(0))
	var got []uint64
	for s := range follow.Snapshots(t.Context(), board) {
		got = append(got, s.Tick)
		if s.Tick == 3 {
			break
		}
		for tick := range uint64(3) {
			board.Show(at(tick + 1))
		}
	}
	if !slices.Equal(got, []uint64{0, 3}) {
		t.Errorf("saw the ticks %v", got)
	}
}

func TestTheLastSnapshotOfAnEndedLoopComesToo(t *testing.T) {
	for range 100 { // the reader may see the end and the snapshot in any order
		board := snapshottest.New(at(0))
		seen := ticks(t.Context(), board)
		<-seen
		board.Show(at(1))
		board.End()
		if got := drained(seen); !slices.Equal(got, []uint64{1}) {
			t.Fatalf("saw the ticks %v", got)
		}
	}
}

func TestNothingComesAfterTheContextEnded(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if got := drained(ticks(ctx, snapshottest.New(at(0)))); got != nil {
		t.Errorf("saw the ticks %v", got)
	}
}

// A client that does not read blocks its reader for hours: the snapshot that it got
// first must not stay in memory meanwhile.
func TestP5_NoSnapshotIsKeptWhileItsReaderIsBusy(t *testing.T) {
	board := snapshottest.New(at(0))
	for s := range follow.Snapshots(t.Context(), board) {
		kept := weak.Make(s)
		board.Show(at(1))
		runtime.GC()
		if kept.Value() != nil {
			t.Error("the snapshot is still in memory")
		}
		break
	}
}
