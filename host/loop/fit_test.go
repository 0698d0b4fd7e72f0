package loop

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
)

func TestP5_EventsThatAreTooLargeAreRefusedWithTheirBatch(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("x", MaxEvent)
	for _, ev := range []mesh.Event{
		mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 1, Name: text + "y"}},
		mesh.DaemonExited{Daemon: mesh.DaemonRef{ID: 1, Name: text + "y"}},
		mesh.DaemonCrashed{Daemon: mesh.DaemonRef{ID: 1, Name: "y"}, Reason: text},
		mesh.DaemonHealthChanged{Daemon: mesh.DaemonRef{ID: 1, Name: "y"}, Health: mesh.DaemonHealth{Reason: text}},
		mesh.DaemonSaturationChanged{Daemon: mesh.DaemonRef{ID: 1, Name: text + "y"}},
		mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 1, Name: text + "y"}},
		mesh.MaintenanceObserved{Node: 2, Reason: text + "y"},
		mesh.AdminReceived{Event: mesh.ForceRestartDaemon{Daemon: mesh.DaemonRef{ID: 1, Name: text + "y"}}},
		mesh.AdminReceived{Event: mesh.DropReplicas{Node: 2, Chains: make([]mesh.ChainID, MaxEvent+1)}},
	} {
		var large *EventTooLargeError
		if err := r.h.TryPublish(ev); !errors.As(err, &large) || large.Size != MaxEvent+1 {
			t.Errorf("try-publish of a %T returns %v", ev, err)
		}
		if err := r.h.Publish(t.Context(), ev); !errors.As(err, &large) {
			t.Errorf("publish of a %T returns %v", ev, err)
		}
		if n, err := r.h.PublishBatch(t.Context(), []mesh.Event{holder(1, 2), ev}); n != 0 || !errors.As(err, &large) {
			t.Errorf("a batch with a %T returns %d, %v", ev, n, err)
		}
	}
	if got := r.EventQueueDepth(); got != 0 {
		t.Errorf("the queue holds %d, want nothing", got)
	}
	if err := r.h.TryPublish(mesh.MaintenanceObserved{Node: 2, Reason: text}); err != nil {
		t.Errorf("an event of exactly the most returns %v", err)
	}
}

func TestP5_LongLinesAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		line := func(n int) mesh.LogLine {
			return mesh.LogLine{Level: mesh.LevelInfo, Message: strings.Repeat("é", n/2)}
		}
		batch := []mesh.Event{line(maxLine), holder(1, 2), line(1 << 20)}
		given := slices.Clone(batch)
		r.publish(batch...)
		if !slices.Equal(batch, given) {
			t.Error("the publisher's own batch was changed")
		}
		odd := mesh.LogLine{Level: mesh.LevelInfo, Message: "x" + line(1<<20).Message}
		if err := errors.Join(r.h.TryPublish(odd), r.h.Publish(t.Context(), odd)); err != nil {
			t.Fatal(err)
		}
		logs := r.ticks(1).Logs
		if len(logs) != 4 || logs[0].Message != line(maxLine).Message {
			t.Fatalf("%d lines, want 4, the first as it was", len(logs))
		}
		for _, l := range logs[1:] {
			if len(l.Message) > maxLine+32 || !strings.HasSuffix(l.Message, "é … (cut at 8192 bytes)") || !utf8.ValidString(l.Message) {
				t.Errorf("a line of %d bytes ends with %q", len(l.Message), l.Message[len(l.Message)-30:])
			}
		}
	})
}
