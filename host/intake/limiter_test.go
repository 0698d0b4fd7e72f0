package intake

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

func TestCommandsWaitUntilASnapshotShowsTheRecordsBeforeThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := snapshottest.New(&snapshot.Snapshot{})
		l := newAuditLimiter(s, nil)
		for seq := range uint64(maxUnshown) {
			release, err := l.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			release(seq + 1)
		}
		waiting := make(chan error, 1)
		go func() {
			release, err := l.acquire(context.Background())
			if err == nil {
				release(0)
			}
			waiting <- err
		}()
		synctest.Wait()
		if len(waiting) != 0 {
			t.Fatal("one more has room before a snapshot showed the others")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that is gone: %v", err)
		}
		s.Show(&snapshot.Snapshot{Audit: []mesh.AuditRecord{{Seq: maxUnshown}}})
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		s.Show(&snapshot.Snapshot{})
		s.End()
		if _, err := l.acquire(t.Context()); !errors.Is(err, loop.ErrLoopClosed) {
			t.Errorf("after the loop ended: %v", err)
		}
	})
}
