package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/statetest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func TestProbe(t *testing.T) {
	n, s := start(t)
	n.state = state.New(state.Boot{
		Node: 1, Policy: statetest.Policy(), Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 2, Name: "db-1"}}},
	})
	if code := s.run(t.Context(), "probe", "2", "--mtu"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/probe.txt", s.out.String())
	s.out.Reset()
	if code := s.run(t.Context(), "probe", "2", "-o", "json"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	var answer hostv1.ProbeResponse
	if err := protojson.Unmarshal([]byte(s.out.String()), &answer); err != nil || answer.GetFindings()[0].GetResult().GetPathMtu().GetBytes() != 1400 {
		t.Errorf("%v\n%s", err, s.out.String())
	}
	// It has made no tick, so its snapshot has no peers.
	if code := s.run(t.Context(), "probe", "db-1"); code != exitDone {
		t.Errorf("by name: exit code %d: %s", code, s.err.String())
	}
	s.err.Reset()
	if code := s.run(t.Context(), "probe", "db-2"); code != exitFailed || !strings.Contains(s.err.String(), "did you mean db-1?") {
		t.Errorf("a name like it: exit code %d: %s", code, s.err.String())
	}
	for _, unknown := range []string{"99", "nobody"} {
		s.err.Reset()
		if code := s.run(t.Context(), "probe", unknown); code != exitFailed || !strings.Contains(s.err.String(), "peer") {
			t.Errorf("%s: exit code %d: %s", unknown, code, s.err.String())
		}
	}
}
