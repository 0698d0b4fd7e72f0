package plugins

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// healer is a recovery handler that answers the same events again and again.
type healer struct {
	events []answers.Event
	calls  int
	err    error
}

func (*healer) Name() string { return "x" }

func (h *healer) Recover(context.Context, []mesh.NodeID) ([]answers.Event, error) {
	h.calls++
	return h.events, h.err
}

// slowWorld has commands wait until it is closed.
type slowWorld struct {
	*world
	turn chan struct{}
}

func (w slowWorld) Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	select {
	case <-w.turn:
		return w.world.Commit(ctx, signed)
	case <-ctx.Done():
		return mesh.AuditRecord{}, ctx.Err()
	}
}

func TestP2_CommandsOfARecoveryHandlerDoNotHoldUpTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := slowWorld{&world{room: -1}, make(chan struct{})}
		events := &pluginEvents{client: func(string, string) Intake { return w }, report: w.report}
		plugin, background := &healer{events: heard("a", "!one", "b")}, newTasks()
		r := &recovery{recoveryPlugin: plugin, background: background, events: events.from(catalog.KindRecoveryHandler, "x")}
		for range 3 {
			if err := r.Recover(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if taken, _ := w.seen(); strings.Join(taken, ",") != "a" || plugin.calls != 1 {
			t.Errorf("took %q after %d calls, want the fact before the command of one", taken, plugin.calls)
		}
		close(w.turn)
		synctest.Wait()
		if err := r.Recover(t.Context(), nil); err != nil || plugin.calls != 2 {
			t.Errorf("%v after %d calls, want the next one", err, plugin.calls)
		}
		synctest.Wait()
		background.close()
		taken, failures := w.seen()
		if got := strings.Join(taken, ","); got != "a,commit one,b,a,commit one,b" || len(failures) != 0 {
			t.Errorf("took %s, reported %q", got, failures)
		}
		if plugin.err = errors.New("no slots"); r.Recover(t.Context(), nil) != plugin.err {
			t.Error("the loop does not hear of the plugin's error")
		}
		plugin.err, w.turn = nil, nil
		if err := r.Recover(t.Context(), nil); err != nil { // too late: nothing is started
			t.Error(err)
		}
	})
}
