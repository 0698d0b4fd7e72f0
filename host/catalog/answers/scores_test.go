package answers

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestScores(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	in := &meshosv1.ScoreTable{ViewVersion: 4, Chains: []*meshosv1.ChainScore{
		{
			Chain:           1,
			Holders:         []*meshosv1.NodeScore{{Node: 2, Score: 7}, {Node: 3, Score: nan}, {Node: 2, Score: 0}, {Score: 1}},
			BestAlternative: &meshosv1.NodeScore{Node: 4, Score: inf},
			Cost:            &meshosv1.MigrationCost{ReliabilityFactor: nan},
		},
		{Chain: 1},
		{Chain: 0},
		{Chain: 2, Cost: &meshosv1.MigrationCost{StateTransfer: durationpb.New(-1)}},
		{Chain: 3, BestAlternative: &meshosv1.NodeScore{Node: 4, Score: 1}, Cost: &meshosv1.MigrationCost{ReliabilityFactor: 1}},
	}}
	got, bad, err := Scores(in, 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Chains) != 3 || len(got.Chains[0].Holders) != 1 || got.Chains[0].BestAlternative != nil ||
		got.Chains[0].Cost != nil || got.Chains[1].Cost != nil || got.Chains[2].Cost == nil || got.Chains[2].BestAlternative == nil {
		t.Errorf("kept %v", got)
	}
	want := map[string]uint64{
		"score not finite: chain 1, node 3: NaN":            2,
		"holder twice in a chain's scores: chain 1, node 2": 1,
		"score without a node: chain 1":                     1,
		"cost that is negative or not finite: chain 1":      2,
		"chain twice in an answer: chain 1":                 1,
		"score without a chain: chain 0":                    1,
	}
	if d := cmp.Diff(want, counts(bad)); d != "" {
		t.Error(d)
	}
	if _, _, err := Scores(&meshosv1.ScoreTable{ViewVersion: 3}, 4); err == nil {
		t.Error("scores of another view are accepted")
	}
}
