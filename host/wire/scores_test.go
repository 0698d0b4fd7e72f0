package wire_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestScoreRequestsAsTheyLeave(t *testing.T) {
	same(t, wire.ScoreRequestToProto(scoring.Request{
		Version: 7, Full: true, Base: 3,
		Nodes: []scoring.Node{
			{Peer: snapshot.Peer{Node: 1, Maintenance: mesh.PhaseActive, Cordoned: true}},
			{Peer: snapshot.Peer{Node: 2, Name: "two", RTT: time.Millisecond, HasRTT: true, Health: mesh.HealthDegraded}, Avoided: true},
		},
		Chains: []scoring.Chain{{ID: 9, Holders: []mesh.NodeID{1, 2}, Desired: 2}},
	}), &pluginv1.ScoreRequest{}, `{
		"view_version":7,"full":true,
		"nodes":[
			{"peer":{"peer":1,"maintenance":"MAINTENANCE_PHASE_ACTIVE","cordoned":true}},
			{"peer":{"peer":2,"name":"two","rtt":"0.001s","health":"NODE_HEALTH_DEGRADED"},"avoided":true}],
		"chains":[{"chain":9,"holders":[1,2],"desired":2}]}`)
	same(t, wire.ScoreRequestToProto(scoring.Request{
		Version: 8, Base: 7, RemovedNodes: []mesh.NodeID{2}, RemovedChains: []mesh.ChainID{9},
	}), &pluginv1.ScoreRequest{}, `{"view_version":8,"base_version":7,"removed_nodes":[2],"removed_chains":[9]}`)
}

func TestScoresThatComeIn(t *testing.T) {
	read := func(text string) (mesh.Scores, error) {
		var in meshosv1.ScoreTable
		if err := protojson.Unmarshal([]byte(text), &in); err != nil {
			t.Fatalf("the test's own input: %v", err)
		}
		return wire.ScoresFromProto(&in)
	}
	got, err := read(`{"view_version":7,"chains":[{"chain":9,"holders":[{"node":1,"score":0.5},{"node":2}],
		"best_alternative":{"node":3,"score":2},"cost":{"state_transfer":"1s","reliability_factor":1.5}}]}`)
	want := mesh.Scores{ViewVersion: 7, Chains: []mesh.ChainScore{{
		Chain: 9, Holders: []mesh.NodeScore{{Node: 1, Score: 0.5}, {Node: 2}},
		Best: &mesh.NodeScore{Node: 3, Score: 2}, Cost: &mesh.MigrationCost{StateTransfer: time.Second, Reliability: 1.5},
	}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	for text, problem := range map[string]string{
		`{"chains":[{}]}`: "chains[0].chain: must not be 0",
		`{"chains":[{"chain":1,"holders":[{"node":1},{}]}]}`:               "chains[0].holders[1].node: must not be 0",
		`{"chains":[{"chain":1,"best_alternative":{}}]}`:                   "chains[0].best_alternative.node: must not be 0",
		`{"chains":[{"chain":1},{"chain":2,"cost":{"disruption":"-1s"}}]}`: "chains[1].cost.disruption: must not be negative, is -1s",
	} {
		var field *wire.FieldError
		if _, err := read(text); !errors.As(err, &field) || err.Error() != problem {
			t.Errorf("%s: error %v, want %s", text, err, problem)
		}
	}
}
