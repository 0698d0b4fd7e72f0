package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// world is a loop that notes what it hears, and the failures that are reported.
type world struct {
	mu       sync.Mutex
	heard    []string
	failures []string
	room     int // events that it takes; below 0: any number
	err      error
}

func (w *world) PublishBatch(_ context.Context, evs []mesh.Event) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, ev := range evs {
		if w.room == 0 {
			return n, w.err
		}
		w.room--
		switch ev := ev.(type) {
		case mesh.LogLine:
			w.heard = append(w.heard, ev.Message)
		default:
			w.heard = append(w.heard, fmt.Sprintf("%T", ev))
		}
	}
	return len(evs), nil
}

func (w *world) Commit(_ context.Context, c mesh.JudgedCommit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, "commit "+string(c.CommitID))
	return nil
}

func (w *world) report(source, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, source+": "+reason)
}

func (w *world) told() (heard, failures []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.heard), slices.Clone(w.failures)
}

func (w *world) ear() *ear {
	return &ear{out: w, report: w.report, judge: func(s wire.Signed) (mesh.JudgedCommit, error) {
		if len(s.Payload) == 0 {
			return mesh.JudgedCommit{}, errors.New("no payload")
		}
		return mesh.JudgedCommit{CommitID: s.Payload}, nil
	}}
}

// said makes events: lines, and signed commits of what begins with "!".
func said(texts ...string) (out []answers.Event) {
	for _, text := range texts {
		if payload, signed := strings.CutPrefix(text, "!"); signed {
			out = append(out, answers.Event{Signed: &wire.Signed{Payload: []byte(payload)}})
		} else {
			out = append(out, answers.Event{Event: mesh.LogLine{Level: mesh.LevelInfo, Message: text}})
		}
	}
	return out
}

func TestEventsAreHeardInOrderAndCommitsAreJudged(t *testing.T) {
	w := &world{room: -1}
	e := w.ear()
	for range 2 {
		if err := e.hear(t.Context(), "event_source:x", said("a", "b", "!ok", "!", "c")); err != nil {
			t.Fatal(err)
		}
	}
	heard, failures := w.told()
	if got := strings.Join(heard, ","); got != "a,b,commit ok,c,a,b,commit ok,c" {
		t.Errorf("heard %s", got)
	}
	if got := fmt.Sprint(failures); got != "[event_source:x: a signed commit was left out: no payload; told once]" {
		t.Errorf("reported %s", got)
	}
}

func TestP5_EventsThatAreTooLargeAreLeftOutAndToldOnce(t *testing.T) {
	w := &world{room: -1}
	events := said("a", "b")
	large := answers.Event{Event: mesh.DaemonCrashed{Daemon: mesh.DaemonRef{ID: 1}, Reason: strings.Repeat("x", loop.MaxEvent+1)}}
	events = slices.Insert(events, 1, large, large)
	if err := w.ear().hear(t.Context(), "event_source:x", events); err != nil {
		t.Fatal(err)
	}
	heard, failures := w.told()
	if got := strings.Join(heard, ","); got != "a,b" {
		t.Errorf("heard %s", got)
	}
	if len(failures) != 1 || !strings.HasPrefix(failures[0], "event_source:x: an event was left out: event holds 65537 bytes") {
		t.Errorf("reported %q", failures)
	}
}

func TestEventsThatAreNotTakenAreCounted(t *testing.T) {
	w := &world{room: 3, err: context.DeadlineExceeded}
	err := w.ear().hear(t.Context(), "x", said("a", "b", "!ok", "c", "d", "e"))
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "2 of 6 events were not taken: context deadline exceeded" {
		t.Error(err)
	}
}
