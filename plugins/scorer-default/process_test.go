package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/meshos/meshos/internal/catalogtest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestProcessScores(t *testing.T) {
	c := catalogtest.Start(t, name, map[string]any{"weight_disk": int64(2)})
	nodes, chains := world(100, 50)
	table, err := c.Scorer().Score(t.Context(), &pluginv1.ScoreRequest{ViewVersion: 3, Full: true, Nodes: nodes, Chains: chains})
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaults()
	cfg.WeightDisk = 2
	if d := cmp.Diff(scoreWith(t, cfg, nodes, chains...), table.GetChains(), protocmp.Transform()); d != "" {
		t.Error(d)
	}
}
