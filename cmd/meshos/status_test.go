package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestStatusShowsEverySection(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "status"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/status.txt", s.out.String())
	all := &shell{env: s.env}
	if code := all.run(t.Context(), "status", "--all"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, all.err.String())
	}
	golden.Check(t, "testdata/status-all.txt", all.out.String())
}

// crowded returns a node with 60 peers, of which two are not well.
func crowded() *snapshot.Snapshot {
	s := well()
	var peers []snapshot.Peer
	for id := mesh.NodeID(2); id <= 61; id++ {
		peers = append(peers, snapshot.Peer{
			Node: id, Name: fmt.Sprintf("machine-with-a-long-name-%d.rack-7.example.org", id), Health: mesh.HealthHealthy,
			RTT: time.Duration(id) * time.Millisecond, HasRTT: true, Maintenance: mesh.PhaseActive,
			Inventory: &mesh.Inventory{Node: id, CPULoad1m: ptr(0.42), MemUsedBytes: ptr(uint64(3 << 30)), MemTotalBytes: ptr(uint64(24 << 30))},
		})
	}
	for _, i := range []int{16, 59} {
		p := &peers[i]
		p.Health, p.HealthReason, p.HealthSince = mesh.HealthUnreachable, "timed out", ago(34*time.Minute)
	}
	s.Peers = snapshot.PeersOf(peers...)
	s.Maintenance.Cordoned = true
	s.Info = &snapshot.Info{
		Name: "here", Cluster: "prod", Version: "v1.2.3", Uptime: 3*time.Hour + 12*time.Minute,
		Operators: []string{"ana", "ben"}, Ordinary: 1, BreakGlass: 2,
	}
	return s
}

// Of 60 peers the two that are not well are shown, and the others counted.
func TestStatusShowsTroubleFirstAndCountsTheRest(t *testing.T) {
	for name, args := range map[string][]string{
		"crowd": nil, "crowd-all": {"--all"}, "crowd-unhealthy": {"--unhealthy"},
		"crowd-one": {"--peer", "machine-with-a-long-name-7.rack-7.example.org", "--peer", "18"},
	} {
		n, s := start(t)
		n.Show(crowded())
		if code := s.run(t.Context(), append([]string{"status"}, args...)...); code != exitDone {
			t.Fatalf("exit code %d: %s", code, s.err.String())
		}
		golden.Check(t, "testdata/status-"+name+".txt", s.out.String())
		for line := range strings.Lines(s.out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: a line has %d columns: %s", name, n, line)
			}
		}
	}
}

func TestStatusOfOnlySomeIsFilteredAsJSONToo(t *testing.T) {
	n, s := start(t)
	n.Show(crowded())
	if code := s.run(t.Context(), "status", "--unhealthy", "-o", "json"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	var got meshosv1.Snapshot
	if err := protojson.Unmarshal([]byte(s.out.String()), &got); err != nil || len(got.GetPeers()) != 2 {
		t.Errorf("%v, peers %v", err, got.GetPeers())
	}
	unknown := &shell{env: s.env}
	if code := unknown.run(t.Context(), "status", "--peer", "nobody"); code != exitUsage || !strings.Contains(unknown.err.String(), `--peer: no peer has the name "nobody"; known are 2 (machine`) {
		t.Errorf("exit code %d: %s", code, unknown.err.String())
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

// The first line is the whole, and each further one what changed; --whole prints all of it
// each time.
func TestAWatchAsJSONPrintsTheWholeOnceAndThenWhatChanged(t *testing.T) {
	for _, flags := range [][]string{nil, {"--whole"}} {
		n, s := start(t)
		ctx, interrupt := context.WithCancel(t.Context())
		ended := make(chan int, 1)
		go func() { ended <- s.run(ctx, append([]string{"status", "-w", "-o", "json"}, flags...)...) }()
		testkit.Until(t, "the first snapshot", func() bool { return strings.Count(s.out.String(), "\n") == 1 })
		next := *n.Latest()
		next.Tick++
		next.Replicas = snapshottest.Changed(next.Replicas, 7, func(r *snapshot.Replica) { r.Holders = []mesh.NodeID{1, 2, 4} })
		n.Show(&next)
		testkit.Until(t, "the second", func() bool { return strings.Count(s.out.String(), "\n") == 2 })
		interrupt()
		<-ended
		lines := strings.Split(s.out.String(), "\n")
		var delta meshosv1.SnapshotDelta
		err := protojson.Unmarshal([]byte(lines[1]), &delta)
		changed := delta.GetReplicas()
		switch {
		case len(flags) > 0 && (err == nil || !strings.Contains(lines[1], `"logs":`)):
			t.Errorf("with --whole the second line is %s", lines[1])
		case len(flags) == 0 && (err != nil || len(changed) != 1 || len(changed[0].GetHolders()) != 3 || len(delta.GetLogs())+len(delta.GetPeers()) > 0):
			t.Errorf("the second line is %s", lines[1])
		}
	}
}

func TestAWatchWaitsForANodeThatStops(t *testing.T) {
	n, s := start(t)
	ended := make(chan int, 1)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() { ended <- s.run(ctx, "status", "-w") }()
	testkit.Until(t, "the first snapshot", func() bool { return strings.Contains(s.out.String(), "tick 1234") })
	n.End()
	testkit.Until(t, "a note", func() bool {
		return strings.Contains(s.err.String(), "the node does not answer any more; this goes on when it is started again")
	})
	interrupt()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
