package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// The tests of the formula use the defaults that an operator gets.
func TestDefaultsOfTheTags(t *testing.T) {
	var got config
	plugintest.StartRaw(t, func(_ pluginsdk.Env, c config) (*scorer, error) {
		got = c
		return &scorer{}, nil
	}, map[string]any{})
	if d := cmp.Diff(defaults(), got); d != "" {
		t.Error(d)
	}
}

func TestPluginScoresTheViewItIsSent(t *testing.T) {
	c := plugintest.Start(t, construct, config{}, plugintest.WithNode(self))
	nodes, chains := world(50, 20)
	table, err := c.Score(pluginsdk.View{Version: 9, Nodes: nodes, Chains: chains})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(score(t, nodes, chains...), table, protocmp.Transform()); d != "" {
		t.Error(d)
	}
	// The round-trip time to node 4 falls; the host sends only that.
	delta, err := c.ScoreRequest(&pluginv1.ScoreRequest{
		ViewVersion: 10, BaseVersion: 9, Nodes: []*pluginv1.NodeView{node(4, 0)},
	})
	if err != nil || delta.GetViewVersion() != 10 {
		t.Fatal(delta, err)
	}
	nodes[3] = node(4, 0)
	if d := cmp.Diff(score(t, nodes, chains...), delta.GetChains(), protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

func TestWeightsAreConfigurable(t *testing.T) {
	nodes := []*pluginv1.NodeView{
		node(self, 0), node(2, 0, func(n *pluginv1.NodeView) { n.Peer.Health = degraded }), node(3, 90*time.Millisecond),
	}
	for want, cfg := range map[uint64]config{
		2: {WeightHealth: 0.1},
		3: {WeightRTT: 0.1},
	} {
		c := plugintest.Start(t, construct, cfg, plugintest.WithNode(self))
		table, err := c.Score(pluginsdk.View{Version: 1, Nodes: nodes, Chains: []*pluginv1.ChainView{chain(7, self)}})
		if err != nil || table[0].GetBestAlternative().GetNode() != want {
			t.Errorf("%+v: %v, %v; want node %d", cfg, table, err, want)
		}
	}
}

func TestWrongConfigurationsAreNamed(t *testing.T) {
	c := plugintest.Serve(t, construct)
	none := map[string]any{"weight_rtt": 0.0, "weight_health": 0.0, "weight_load": 0.0, "weight_memory": 0.0, "weight_disk": 0.0}
	for want, cfg := range map[string]map[string]any{
		"set at least one of them above 0": none,
		"weight_rtt":                       {"weight_rtt": -1.0},
		"rtt_half":                         {"rtt_half": "0s"},
		"avoided_factor":                   {"avoided_factor": 2.0},
		"wait_rtt":                         {"wait_rtt": 1.0},
	} {
		err := c.Validate(cfg)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want INVALID_ARGUMENT with %q", cfg, err, want)
		}
	}
}
