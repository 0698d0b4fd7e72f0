package ordered

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// queued is a loop that keeps the heights of what is queued, in that order.
type queued struct {
	Loop
	mu      sync.Mutex
	heights []uint64
}

func (q *queued) Queue(_ context.Context, ins []mesh.Input) (func(context.Context) (mesh.AuditRecord, error), error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	height := uint64(0)
	for _, in := range ins {
		height = in.(mesh.JudgedCommit).Ordered.Height
		q.heights = append(q.heights, height)
	}
	return func(context.Context) (mesh.AuditRecord, error) { return mesh.AuditRecord{Seq: height}, nil }, nil
}

func TestOrdersThatComeWhileTheDiskIsBusyAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, syncs := openSlow(t)
		loop := &queued{}
		const all = 600
		seen := make([]uint64, all)
		var wait sync.WaitGroup
		order := func(ctx context.Context) (mesh.AuditRecord, error) {
			return l.Queue(loop).Judged(ctx, mesh.JudgedCommit{
				Event: mesh.Cordon{Node: 2}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
			})
		}
		if _, err := order(t.Context()); err != nil { // which makes the first file
			t.Fatal(err)
		}
		before := syncs.Load()
		for i := range all {
			wait.Go(func() {
				record, err := order(t.Context())
				if err != nil {
					t.Error(err)
				}
				seen[i] = record.Seq
			})
		}
		gone, stop := context.WithTimeout(t.Context(), time.Second/2)
		defer stop()
		synctest.Wait()
		if _, err := order(gone); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one whose client is gone: %v", err)
		}
		wait.Wait()
		if n := syncs.Load() - before; n > 6 {
			t.Errorf("%d orders took %d syncs", all, n)
		}
		slices.Sort(seen)
		for i := range seen {
			if seen[i] != uint64(i+2) {
				t.Fatalf("heights %v: want each once", seen)
			}
		}
		if !slices.IsSorted(loop.heights) || len(loop.heights) != all+1 {
			t.Errorf("queued %d in the order %v", len(loop.heights), loop.heights)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
