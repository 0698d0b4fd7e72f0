package control_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// sink keeps what it gets.
type sink struct {
	mu      sync.Mutex
	got     []string
	renewed chan struct{}
	deliver func(context.Context) error // nil: it takes everything
}

func newSink() *sink { return &sink{renewed: make(chan struct{})} }

func (s *sink) Name() string { return "bell" }

func (s *sink) Renewed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

func (s *sink) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.renewed)
	s.renewed = make(chan struct{})
}

func (s *sink) Deliver(ctx context.Context, e *pluginv1.ControlEvent) error {
	s.mu.Lock()
	deliver := s.deliver
	s.mu.Unlock()
	if deliver != nil {
		if err := deliver(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, strings.ReplaceAll(protojson.MarshalOptions{UseProtoNames: true}.Format(e), " ", ""))
	return nil
}

func (s *sink) behave(f func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliver = f
}

// heard checks, once nothing moves any more, what the sink got since the last check.
func (s *sink) heard(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.got, " "); got != strings.Join(want, " ") {
		t.Errorf("got %s\nwant %s", got, strings.Join(want, " "))
	}
	s.got = nil
}

// world is an announcer with its failure reports.
type world struct {
	*control.Announcer
	mu       sync.Mutex
	failures []string
}

func newWorld() *world {
	w := &world{}
	w.Announcer = control.New(control.Options{
		DrainDeadline: 10 * time.Minute, Log: slog.New(slog.DiscardHandler),
		Report: func(source, reason string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.failures = append(w.failures, source+": "+reason)
		},
	})
	return w
}

func (w *world) reported() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failures
}

func (w *world) phase(p mesh.MaintenancePhase, left ...time.Duration) {
	m := snapshot.Maintenance{Phase: p}
	if len(left) > 0 {
		m.Deadline = snapshot.At(mesh.Time(left[0]))
	}
	b := snapshottest.New(&snapshot.Snapshot{Maintenance: m})
	b.End()
	w.Follow(context.Background(), b) // returns after the one snapshot
}

func TestPIP12_ADrainIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.Add(s)
		w.phase(mesh.PhaseActive)
		s.heard(t)
		w.phase(mesh.PhaseEntering, 90*time.Second)
		w.phase(mesh.PhaseEntering, 30*time.Second)
		s.heard(t, `{"drain_start":{"grace":"90s"}}`)
		w.phase(mesh.PhaseMaintenance)
		w.phase(mesh.PhaseExiting)
		w.phase(mesh.PhaseEntering) // without a deadline in the snapshot
		s.heard(t, `{"drain_finish":{}}`, `{"drain_start":{"grace":"600s"}}`)
	})
}

func TestASinkThatIsAddedLaterGetsThePresentState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.phase(mesh.PhaseEntering, time.Minute)
		w.Backpressure(true, 0.5)
		time.Sleep(20 * time.Second) // without a snapshot meanwhile
		w.Add(s)
		s.heard(t, `{"drain_start":{"grace":"40s"}}`, `{"backpressure_on":0.5}`)
		w.Backpressure(false, 0)
		s.heard(t, `{"backpressure_off":{}}`)
		s.renew() // another process
		s.heard(t, `{"drain_start":{"grace":"40s"}}`)
	})
}

func TestASinkThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, hangs, works := newWorld(), newSink(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.Add(hangs)
		w.Add(works)
		free := make(chan struct{})
		hangs.behave(func(context.Context) error { <-free; return nil })
		for n := range 1000 {
			w.Backpressure(true, float64(n)/1000)
			w.Backpressure(false, 0)
			synctest.Wait()
		}
		w.Backpressure(true, 1)
		synctest.Wait()
		works.mu.Lock()
		if n := len(works.got); n != 2001 {
			t.Errorf("the other got %d events", n)
		}
		works.mu.Unlock()
		close(free)
		// The one in which it hung, and the latest of each kind.
		hangs.heard(t, `{"backpressure_on":0}`, `{"backpressure_off":{}}`, `{"backpressure_on":1}`)
	})
}

func TestAnOutageIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.Add(s)
		s.behave(func(context.Context) error { return errors.New("no bell") })
		for range 3 {
			w.Backpressure(true, 1)
			synctest.Wait()
			w.Backpressure(false, 0)
			synctest.Wait()
		}
		if got := w.reported(); len(got) != 1 || got[0] != "control_sink:bell: backpressure_on was not delivered: no bell; further losses are not reported until it takes events again" {
			t.Errorf("reported %q", got)
		}
		s.behave(nil)
		w.Backpressure(true, 1)
		s.heard(t, `{"backpressure_on":1}`)
		s.behave(func(context.Context) error { panic("broken") })
		w.Backpressure(false, 0)
		if got := w.reported(); len(got) != 2 || !strings.Contains(got[1], "panicked at announcer_test.go:") || !strings.Contains(got[1], ": broken") {
			t.Errorf("reported %q", got)
		}
	})
}

func TestShutdownIsTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, hangs := newWorld(), newSink(), newSink()
		w.Add(s)
		w.Add(hangs)
		hangs.behave(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		w.Shutdown(ctx, 2*time.Second)
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("took %v", took)
		}
		w.phase(mesh.PhaseEntering)
		s.heard(t, `{"shutdown":{"grace":"2s"}}`)
		w.Add(newSink())
	})
}

func TestCloseTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, hangs := newWorld(), newSink(), newSink()
		w.Add(s)
		w.Add(hangs)
		hangs.behave(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		w.Backpressure(true, 1)
		s.heard(t, `{"backpressure_on":1}`)
		w.Close()
		w.Backpressure(false, 0)
		s.heard(t)
	})
}

func TestASinkThatIsRemovedGetsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		remove := w.Add(s)
		synctest.Wait()
		remove()
		w.Backpressure(true, 1)
		s.heard(t)
	})
}

// board publishes the snapshots that an announcer follows.
type board struct{ *snapshottest.Source }

// follow has the world follow a board until the test ends it.
func (w *world) follow() (b board, end func()) {
	b = board{snapshottest.New(&snapshot.Snapshot{})}
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { w.Follow(ctx, b) })
	synctest.Wait()
	return b, func() { cancel(); following.Wait() }
}

func (b board) publish(p mesh.MaintenancePhase, emitted ...mesh.Emitted) {
	b.Show(&snapshot.Snapshot{Maintenance: snapshot.Maintenance{Phase: p}, Emitted: emitted})
	synctest.Wait()
}

func TestFollowSeesEverySnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.Add(s)
		b, end := w.follow()
		defer end()
		for _, p := range []mesh.MaintenancePhase{mesh.PhaseActive, mesh.PhaseEntering, mesh.PhaseDrainFailed} {
			b.publish(p)
		}
		s.heard(t, `{"drain_start":{"grace":"600s"}}`, `{"drain_finish":{}}`)
	})
}

// An action is handed out before the snapshot that shows it is published.
func TestWhatLedToAnActionIsDeliveredBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.Add(s)
		b, end := w.follow()
		defer end()
		b.publish(mesh.PhaseActive, mesh.Emitted{ID: 6})
		free, returned := make(chan struct{}), false
		s.behave(func(context.Context) error { <-free; return nil })
		var waiting sync.WaitGroup
		waiting.Go(func() { w.WaitDelivered(t.Context(), 7); returned = true })
		synctest.Wait()
		if returned {
			t.Fatal("it did not wait for the snapshot")
		}
		b.publish(mesh.PhaseEntering, mesh.Emitted{ID: 6}, mesh.Emitted{ID: 7})
		if returned {
			t.Fatal("it did not wait for the sink")
		}
		close(free)
		waiting.Wait()
		s.heard(t, `{"drain_start":{"grace":"600s"}}`)
		w.WaitDelivered(t.Context(), 7) // nothing is left to be delivered
	})
}

func TestASinkThatHangsDelaysAnActionForAMomentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), newSink()
		defer w.Shutdown(t.Context(), 0)
		w.WaitDelivered(t.Context(), 1) // there is no sink
		remove := w.Add(s)
		b, end := w.follow()
		defer end()
		s.behave(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		wait := func(id mesh.ActionID) time.Duration {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			w.WaitDelivered(ctx, id)
			return time.Since(began)
		}
		if took := wait(1); took != 300*time.Millisecond {
			t.Errorf("a snapshot that does not come was waited for %v", took)
		}
		b.publish(mesh.PhaseEntering, mesh.Emitted{ID: 1})
		if took := wait(1); took != 300*time.Millisecond {
			t.Errorf("a sink that hangs was waited for %v", took)
		}
		remove()
		if took := wait(1); took != 0 {
			t.Errorf("without a sink it waited %v", took)
		}
	})
}
