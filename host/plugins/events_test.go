package plugins

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// world is an intake that notes what it takes, and the failures that are reported.
type world struct {
	mu       sync.Mutex
	taken    []string
	failures []string
	room     int // events that it takes; below 0: any number
	err      error
}

func (w *world) PublishBatch(_ context.Context, evs []mesh.Event) (out mesh.Published, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, ev := range evs {
		if w.room == 0 {
			return out, w.err
		}
		if _, refused := ev.(mesh.Shutdown); refused {
			out.Refused = append(out.Refused, mesh.RefusedEvent{
				Index: n, Verdict: mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "unsigned", Message: "sign it"},
			})
			continue
		}
		w.room--
		out.Taken++
		switch ev := ev.(type) {
		case mesh.LogLine:
			w.taken = append(w.taken, ev.Message)
		default:
			w.taken = append(w.taken, fmt.Sprintf("%T", ev))
		}
	}
	return out, nil
}

func (w *world) Commit(_ context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken = append(w.taken, fmt.Sprintf("commit %s", signed.Payload))
	return mesh.AuditRecord{}, nil
}

func (w *world) report(source, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, source+": "+reason)
}

// seen returns what was taken and what was reported so far.
func (w *world) seen() (taken, failures []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.taken), slices.Clone(w.failures)
}

func (w *world) events() *pluginEvents {
	return &pluginEvents{client: func(string, string) Intake { return w }, report: w.report}
}

// source is the event source x of this world.
func (w *world) source() *eventTaker { return w.events().from(catalog.KindEventSource, "x") }

// heard makes events: log lines, and signed commands of texts that begin with "!".
func heard(texts ...string) (out []answers.Event) {
	for _, text := range texts {
		if payload, signed := strings.CutPrefix(text, "!"); signed {
			out = append(out, answers.Event{Signed: &wire.Signed{Payload: []byte(payload)}})
		} else {
			out = append(out, answers.Event{Event: mesh.LogLine{Level: mesh.LevelInfo, Message: text}})
		}
	}
	return out
}

func TestEventsAndCommandsAreTakenInOrder(t *testing.T) {
	w := &world{room: -1}
	if err := w.source().take(t.Context(), heard("a", "b", "!ok", "!", "c")); err != nil {
		t.Fatal(err)
	}
	taken, failures := w.seen()
	if got := strings.Join(taken, ","); got != "a,b,commit ok,commit ,c" || len(failures) != 0 {
		t.Errorf("took %s, reported %q", got, failures)
	}
}

func TestP5_EventsThatAreTooLargeAreLeftOutAndReportedOnce(t *testing.T) {
	w := &world{room: -1}
	events := heard("a", "b")
	large := answers.Event{Event: mesh.DaemonCrashed{Daemon: mesh.DaemonRef{ID: 1}, Reason: strings.Repeat("x", loop.MaxEvent+1)}}
	events = slices.Insert(events, 1, large, large)
	if err := w.source().take(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	taken, failures := w.seen()
	if got := strings.Join(taken, ","); got != "a,b" {
		t.Errorf("took %s", got)
	}
	if len(failures) != 1 || !strings.HasPrefix(failures[0], "event_source:x: an event was left out: event holds 65537 bytes") {
		t.Errorf("reported %q", failures)
	}
}

func TestEventsThatAreNotTakenAreCounted(t *testing.T) {
	w := &world{room: 3, err: context.DeadlineExceeded}
	err := w.source().take(t.Context(), heard("a", "b", "!ok", "c", "d", "e"))
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "2 of 6 events were not taken: context deadline exceeded" {
		t.Error(err)
	}
}

func TestRefusedEventsAreReportedOnceOfEachKind(t *testing.T) {
	w := &world{room: -1}
	shutdown := answers.Event{Event: mesh.Shutdown{}}
	events := slices.Insert(heard("a", "b"), 1, shutdown, shutdown)
	if err := w.source().take(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	taken, failures := w.seen()
	if got := strings.Join(taken, ","); got != "a,b" {
		t.Errorf("took %s", got)
	}
	const want = "event_source:x: a shutdown was refused: unsigned: sign it; further ones are not reported"
	if len(failures) != 1 || failures[0] != want {
		t.Errorf("reported %q", failures)
	}
}
