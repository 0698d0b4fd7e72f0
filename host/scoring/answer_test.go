package scoring

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

func TestB10_InvalidOpinionsAreLeftOut(t *testing.T) {
	v := viewOf(&snapshot.Snapshot{
		Node: 1, Tick: 9,
		Peers: snapshot.PeersOf(snapshot.Peer{Node: 2}, snapshot.Peer{Node: 3}),
		Replicas: snapshot.ReplicasOf(
			snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2}, Leader: 1},
			snapshot.Replica{Chain: 8, Holders: []mesh.NodeID{1, 2}, Leader: 2},
		),
	})
	nan := float32(math.NaN())
	cost := &mesh.MigrationCost{Reliability: 1}
	good := mesh.ChainScore{Chain: 7, Holders: []mesh.NodeScore{{Node: 1, Score: 1}, {Node: 2, Score: 7}}, Best: &mesh.NodeScore{Node: 3, Score: 1}, Cost: cost}
	for _, c := range []struct {
		name string
		in   []mesh.ChainScore
		want []mesh.ChainScore
		bad  string
	}{
		{"nothing is wrong", []mesh.ChainScore{good}, []mesh.ChainScore{good}, ""},
		{"no opinion at all", nil, []mesh.ChainScore{}, ""},
		{"another's chain", []mesh.ChainScore{{Chain: 8}, good}, []mesh.ChainScore{good}, "one opinion was left out: chain 8, which this node does not lead"},
		{"a chain twice", []mesh.ChainScore{good, {Chain: 7}}, []mesh.ChainScore{good}, "one opinion was left out: chain 7 a second time"},
		{
			"nodes that are not holders",
			[]mesh.ChainScore{{Chain: 7, Holders: []mesh.NodeScore{{Node: 3}, {Node: 1, Score: nan}, {Node: 2}, {Node: 2, Score: 1}}}},
			[]mesh.ChainScore{{Chain: 7, Holders: []mesh.NodeScore{{Node: 2}}}},
			"3 opinions were left out, the first: node 3 as a holder of chain 7, which it does not hold",
		},
		{
			"an alternative that is a holder",
			[]mesh.ChainScore{{Chain: 7, Best: &mesh.NodeScore{Node: 2}}},
			[]mesh.ChainScore{{Chain: 7}},
			"one opinion was left out: node 2 as an alternative for chain 7, which it holds",
		},
		{
			"an alternative that nobody knows",
			[]mesh.ChainScore{{Chain: 7, Best: &mesh.NodeScore{Node: 4}}},
			[]mesh.ChainScore{{Chain: 7}},
			"one opinion was left out: node 4 as an alternative for chain 7: there is no such node",
		},
		{
			"an alternative without a number",
			[]mesh.ChainScore{{Chain: 7, Best: &mesh.NodeScore{Node: 3, Score: nan}}},
			[]mesh.ChainScore{{Chain: 7}},
			"one opinion was left out: NaN as the score of node 3 for chain 7",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, bad, err := check(&v, mesh.Scores{ViewVersion: 9, Chains: c.in})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(mesh.Scores{ViewVersion: 9, Chains: c.want}, got); d != "" {
				t.Error(d)
			}
			if found := bad.n > 0; found != (c.bad != "") || found && bad.String() != c.bad {
				t.Errorf("faults %q, want %q", bad.String(), c.bad)
			}
		})
	}
}

func TestB10_AnAnswerForAnotherViewIsAnError(t *testing.T) {
	_, _, err := check(&View{Version: 9}, mesh.Scores{ViewVersion: 8})
	var wrong *WrongViewError
	if !errors.As(err, &wrong) || err.Error() != "it scored view 8, but was asked for view 9" {
		t.Errorf("error %v", err)
	}
}
