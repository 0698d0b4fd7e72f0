package plugins

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// order notes what came when. It is a slow control sink, and a dispatcher.
type order struct {
	mu   sync.Mutex
	what []string
}

func (o *order) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.what = append(o.what, what)
}

func (o *order) Name() string { return "bell" }

func (o *order) Renewed() <-chan struct{} { return nil }

func (o *order) Deliver(context.Context, *pluginv1.ControlEvent) error {
	time.Sleep(100 * time.Millisecond)
	o.note("informed")
	return nil
}

func (o *order) Dispatch(_ context.Context, e mesh.Emitted) error {
	o.note(e.Action.Kind())
	return nil
}

func TestControlSinksAreInformedOfADrainBeforeDaemonsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o order
		a := control.New(control.Options{Report: func(string, string) {}, Log: slog.New(slog.DiscardHandler)})
		defer a.Close()
		a.Add(&o)
		d := InformFirst{&o, a, func() mesh.Time { return 0 }}
		var dispatching sync.WaitGroup
		for id, action := range []mesh.Action{mesh.StartDaemon{}, mesh.StopDaemon{}} {
			dispatching.Go(func() { _ = d.Dispatch(t.Context(), mesh.Emitted{ID: mesh.ActionID(id + 1), Action: action}) })
			synctest.Wait()
		}
		ctx, end := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { // the snapshot comes after the actions
			a.Follow(ctx, snapshottest.New(&snapshot.Snapshot{
				Maintenance: snapshot.Maintenance{Phase: mesh.PhaseEntering},
				Emitted:     []mesh.Emitted{{ID: 1}, {ID: 2}},
			}))
		})
		dispatching.Wait()
		end()
		following.Wait()
		if want := []string{"start_daemon", "informed", "stop_daemon"}; !slices.Equal(o.what, want) {
			t.Errorf("%q, want %q", o.what, want)
		}
	})
}
