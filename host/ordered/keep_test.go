package ordered

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/snapshottest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestHowDaemonsEndedIsKeptAtOnceAndTheRestTwiceASecondAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes atomic.Int64
		l, err := Open(Options{
			DataDir: t.TempDir(), Node: this, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			write: func(_, name string, _ *meshosv1.OrderedCheckpoint) error {
				if name == checkpointName {
					writes.Add(1)
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		shows := func(drains int, crashes uint32) *snapshot.Snapshot {
			orders := state.Orders{Local: &state.LocalOrder{Since: mesh.Time(drains)}}
			if crashes > 0 {
				orders.Gates = []state.GateOrder{{Daemon: mesh.DaemonRef{ID: 7}, Count: crashes}}
			}
			return &snapshot.Snapshot{Tick: 1, Node: this, TakenAt: began, Orders: snapshot.OrdersOf(orders)}
		}
		source := snapshottest.New(shows(1, 0))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { l.Follow(ctx, source); close(ended) }()
		wants := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if n := writes.Load(); n != want {
				t.Errorf("%s: %d writes, want %d", what, n, want)
			}
		}
		wants("the first state", 1)
		source.Show(shows(2, 0))
		wants("what the log has", 1)
		source.Show(shows(2, 1))
		wants("a crash", 2)
		source.Show(shows(3, 1))
		wants("what the log has, again", 2)
		time.Sleep(keepEvery)
		wants("half a second later", 3)
		source.Show(shows(4, 1))
		stop()
		<-ended
		wants("the end", 4)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
