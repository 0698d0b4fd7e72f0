package host

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

func TestPaceLetsInWhatTheNextSnapshotCanShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := snapshottest.New(&snapshot.Snapshot{})
		p := newPace(s)
		for seq := range uint64(unshown) {
			done, err := p.room(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			done(seq + 1)
		}
		waiting := make(chan error, 1)
		go func() {
			done, err := p.room(context.Background())
			if err == nil {
				done(0)
			}
			waiting <- err
		}()
		synctest.Wait()
		if len(waiting) != 0 {
			t.Fatal("one more was let in before a snapshot showed the others")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.room(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that is gone: %v", err)
		}
		s.Show(&snapshot.Snapshot{Audit: []mesh.AuditRecord{{Seq: unshown}}})
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		s.Show(&snapshot.Snapshot{})
		s.End()
		if _, err := p.room(t.Context()); !errors.Is(err, loop.ErrLoopClosed) {
			t.Errorf("after the loop ended: %v", err)
		}
	})
}
