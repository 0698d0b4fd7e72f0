package main

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

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
	golden.Check(t, "testdata/status.json", s.out.String())
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

func TestAWatchEndsWithAnErrorWhenTheNodeStops(t *testing.T) {
	n, s := start(t)
	ended := make(chan int, 1)
	go func() { ended <- s.run(t.Context(), "status", "-w") }()
	testkit.Until(t, "the first snapshot", func() bool { return strings.Contains(s.out.String(), "tick 1234") })
	n.End()
	if code := <-ended; code != exitNoAnswer || !strings.Contains(s.err.String(), "the node's loop has ended") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
