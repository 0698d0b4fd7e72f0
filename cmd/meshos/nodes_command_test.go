package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

// meshed returns a shell at node 1 (alpha), which reaches node 2 (bravo) and not node 3.
func meshed(t *testing.T) *shell {
	t.Helper()
	member := func(gone bool, said *mesh.Summary) *snapshot.Member {
		return &snapshot.Member{Gone: gone, Heard: true, HeardAt: mesh.Time(10 * time.Second), Summary: said}
	}
	said := func(change func(*mesh.Summary)) *mesh.Summary {
		s := &mesh.Summary{Height: 12, Phase: mesh.PhaseActive, Version: "v1", DaemonsRunning: 2}
		change(s)
		return s
	}
	here := &snapshot.Snapshot{
		Node: 1, Now: mesh.Time(70 * time.Second), TakenAt: noon(), Info: &snapshot.Info{Name: "alpha", Version: "v1"},
		Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive},
		Peers: snapshot.PeersOf(
			snapshot.Peer{Node: 2, Name: "bravo", Maintenance: mesh.PhaseActive, OwnWord: true, Member: member(false, said(func(*mesh.Summary) {}))},
			snapshot.Peer{Node: 3, Name: "charlie", Maintenance: mesh.PhaseActive, OwnWord: true, Member: member(true, said(func(*mesh.Summary) {}))},
			snapshot.Peer{Node: 4, Name: "delta", Cordoned: true, Maintenance: mesh.PhaseActive, OwnWord: true, Member: member(false, said(func(s *mesh.Summary) { s.Cordoned = true }))},
			snapshot.Peer{Node: 6, Name: "foxtrot", Maintenance: mesh.PhaseActive, OwnWord: true, Member: member(false, said(func(*mesh.Summary) {}))},
			snapshot.Peer{Node: 5, Name: "echo", Maintenance: mesh.PhaseActive, OwnWord: true, Member: member(false, said(func(s *mesh.Summary) { s.Trouble = "plugin x is rejected" }))},
		),
		Beside: snapshot.Beside{Alarms: map[mesh.NodeID]string{6: "differs at height 812"}},
	}
	there := &node{Source: snapshottest.New(&snapshot.Snapshot{
		Node: 2, TakenAt: noon(), Info: &snapshot.Info{Name: "bravo"}, Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive},
		Logs: []mesh.LogRecord{{Seq: 1, Wall: noon(), Level: mesh.LevelInfo, Message: "from bravo"}},
	})}
	other := api.NewService(api.Options{Reader: there, Intake: there, Plugins: there, StateReader: there})
	here.Logs = []mesh.LogRecord{{Seq: 1, Wall: noon().Add(time.Second), Level: mesh.LevelInfo, Message: "from alpha"}}
	n := &node{Source: snapshottest.New(here)}
	return serveNode(t, n, func(o *api.Options) {
		o.Ask = func(ctx context.Context, to mesh.NodeID, method string, request []byte, take func([]byte) error) error {
			if to != 2 {
				return status.Errorf(codes.Unavailable, "node %d is not reached", to)
			}
			return other.Answer(ctx, 1, method, request, take)
		}
	})
}

func TestNodesShowsTroubleFirst(t *testing.T) {
	s := meshed(t)
	if code := s.run(t.Context(), "nodes", "--wide"); code != exitDone {
		t.Fatalf("%d: %s", code, s.err.String())
	}
	at := 0
	for _, name := range []string{"foxtrot", "charlie", "echo", "delta", "alpha", "bravo"} {
		i := strings.Index(s.out.String(), name)
		if i < at {
			t.Fatalf("%s is not where it belongs:\n%s", name, s.out.String())
		}
		at = i
	}
	for _, text := range []string{"gone", "1m ago", "cordoned", "plugin x is rejected", "alarm", "differs at height 812", "belongs to no mesh"} {
		if !strings.Contains(s.out.String(), text) {
			t.Errorf("%q is not in\n%s", text, s.out.String())
		}
	}
	s.out.Reset()
	if code := s.run(t.Context(), "nodes", "-o", "json"); code != exitDone {
		t.Fatal(s.err.String())
	}
	var list []struct {
		Name   string
		Member struct {
			Gone  bool
			Alarm string
		}
	}
	if err := json.Unmarshal([]byte(s.out.String()), &list); err != nil || len(list) != 6 || list[0].Member.Alarm != "differs at height 812" || !list[1].Member.Gone {
		t.Errorf("%v: %s", err, s.out.String())
	}
}

func TestNodeAsksAnotherNode(t *testing.T) {
	s := meshed(t)
	if code := s.run(t.Context(), "--node", "bravo", "logs"); code != exitDone || !strings.Contains(s.out.String(), "from bravo") {
		t.Errorf("%d: %s %s", code, s.out.String(), s.err.String())
	}
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"status --node charlie":    {exitNoAnswer, "node charlie does not answer through the mesh: node 3 is not reached"},
		"status --node golf":       {exitUsage, `no member of the mesh has the name "golf"`},
		"reload --node bravo":      {exitUsage, "reload can't ask another node; run it on node bravo itself"},
		"logs --all-nodes -o json": {exitDone, ""},
	} {
		s.err.Reset()
		if code := s.run(t.Context(), strings.Fields(args)...); code != want.code || !strings.Contains(s.err.String(), want.text) {
			t.Errorf("%s: %d, %s", args, code, s.err.String())
		}
	}
}

func TestLogsOfAllNodesAreMerged(t *testing.T) {
	s := meshed(t)
	if code := s.run(t.Context(), "logs", "--all-nodes"); code != exitDone {
		t.Fatalf("%d: %s", code, s.err.String())
	}
	lines := strings.Split(strings.TrimSpace(s.out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "bravo") || !strings.Contains(lines[1], "from alpha") {
		t.Errorf("%q", lines)
	}
	if !strings.Contains(s.err.String(), "node delta") {
		t.Errorf("who did not answer is not said: %s", s.err.String())
	}
}
