package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestStatusShowsEverySection(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "status"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/status.txt", s.out.String())
}

func TestStatusInColour(t *testing.T) {
	page := view{paint: true, now: noon(), zone: time.UTC}.render(wire.SnapshotToProto(busy()))
	golden.Check(t, "testdata/status-colour.txt", page)
	for _, line := range strings.Split(page, "\n") {
		if strings.Count(line, "\x1b[") != 2*strings.Count(line, "\x1b[0m") {
			t.Errorf("a colour does not end in its line: %q", line)
		}
	}
}

func TestStatusOfANodeThatJustStarted(t *testing.T) {
	n, s := start(t)
	n.Show(&snapshot.Snapshot{Node: 1, Epoch: 0xabc})
	if code := s.run(t.Context(), "status"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/status-empty.txt", s.out.String())
}

func TestStatusAsJSONIsTheContractsSnapshot(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "status", "-o", "json"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	var got meshosv1.Snapshot
	if err := protojson.Unmarshal([]byte(s.out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(&got, wire.SnapshotToProto(busy())) {
		t.Errorf("it is another snapshot: %s", s.out.String())
	}
	if !strings.Contains(s.out.String(), `"taken_at":`) {
		t.Error("it does not use the contract's names")
	}
}

func TestStatusWatchesUntilInterrupted(t *testing.T) {
	n, s := start(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- s.run(ctx, "status", "-w", "-o", "json") }()
	testkit.Until(t, "the first snapshot", func() bool { return strings.Count(s.out.String(), "\n") == 1 })
	n.Show(&snapshot.Snapshot{Node: 1, Tick: 1235})
	testkit.Until(t, "the second", func() bool { return strings.Contains(s.out.String(), `"tick":"1235"`) })
	interrupt()
	if code := <-ended; code != exitDone || s.err.String() != "" {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestAWatchSaysWhenTheNodeStops(t *testing.T) {
	n, s := start(t)
	ended := make(chan int, 1)
	go func() { ended <- s.run(t.Context(), "status", "-w") }()
	testkit.Until(t, "the first snapshot", func() bool { return strings.Contains(s.out.String(), "tick 1234") })
	n.End()
	if code := <-ended; code != exitNoAnswer || !strings.Contains(s.err.String(), "the node's loop has ended") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// A page stays within the screen, and replaces the one before.
func TestAPageOnAScreen(t *testing.T) {
	got := onScreen("a\nb\nc\nd\n", 4)
	if want := "\x1b[?7l\x1b[Ha\x1b[K\nb\x1b[K\n… 2 more lines\x1b[K\n\x1b[J\x1b[?7h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := onScreen("a\nb\n", 24), "\x1b[?7l\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J\x1b[?7h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSpansHaveThreeDigits(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "17ns": 17, "123µs": 123456, "4.57ms": 4567890, "300ms": 300 * time.Millisecond, "1.5s": 1540 * time.Millisecond,
		"59s": 59400 * time.Millisecond, "1m30s": 90 * time.Second, "10m": 10 * time.Minute, "1h1m": time.Hour + time.Minute + time.Second,
		"1s": 999999999,
	} {
		if got := span(durationpb.New(d)); got != want {
			t.Errorf("%v: got %s, want %s", int64(d), got, want)
		}
	}
	if got := span(nil); got != "-" {
		t.Errorf("none: got %s", got)
	}
}
