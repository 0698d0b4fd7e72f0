package wire

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// ScoresFromProto checks and converts a scorer's answer. It accepts scores that are not
// finite. The error is a *FieldError.
func ScoresFromProto(in *meshosv1.ScoreTable) (mesh.Scores, error) {
	return scoresFromProto(&fields{}, in)
}

// ScoreRequestToProto converts what a scorer is asked.
func ScoreRequestToProto(in scoring.Request) *pluginv1.ScoreRequest {
	out := &pluginv1.ScoreRequest{
		ViewVersion:   in.Version,
		Full:          in.Full,
		Nodes:         make([]*pluginv1.NodeView, len(in.Nodes)),
		RemovedNodes:  numbers(in.RemovedNodes),
		Chains:        make([]*pluginv1.ChainView, len(in.Chains)),
		RemovedChains: numbers(in.RemovedChains),
	}
	if !in.Full {
		out.BaseVersion = in.Base
	}
	for i, n := range in.Nodes {
		out.Nodes[i] = &pluginv1.NodeView{Peer: peerToProto(n.Peer), Avoided: n.Avoided}
		if inventory := out.Nodes[i].GetPeer().GetInventory(); inventory != nil {
			inventory.Ages = nil // a view is kept by the scorer: they would grow old there
		}
	}
	for i, c := range in.Chains {
		out.Chains[i] = &pluginv1.ChainView{Chain: uint64(c.ID), Holders: numbers(c.Holders), Desired: c.Desired}
	}
	return out
}
