package wire

import (
	"iter"

	"google.golang.org/protobuf/proto"

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

// ScoreViewPages returns what a scorer is asked, in pages of about limit bytes at most, each
// made when it is asked for. The first page asks for pages of the same size.
func ScoreViewPages(in scoring.Request, limit int) iter.Seq[*pluginv1.ScoreViewPage] {
	return func(yield func(*pluginv1.ScoreViewPage) bool) {
		page, size := &pluginv1.ScoreViewPage{ViewVersion: in.Version, Full: in.Full, PageBytes: uint32(limit)}, 0
		if !in.Full {
			page.BaseVersion = in.Base
		}
		// room begins another page if this one has no room for so many bytes.
		room := func(bytes int) bool {
			if size > 0 && size+bytes > limit {
				if !yield(page) {
					return false
				}
				page, size = &pluginv1.ScoreViewPage{}, 0
			}
			size += bytes
			return true
		}
		for i := range in.Nodes {
			n := nodeView(&in.Nodes[i])
			if !room(proto.Size(n) + 6) {
				return
			}
			page.Nodes = append(page.Nodes, n)
		}
		for _, id := range in.RemovedNodes {
			if !room(8) {
				return
			}
			page.RemovedNodes = append(page.RemovedNodes, uint64(id))
		}
		for i := range in.Chains {
			c := &in.Chains[i]
			if !room(8 + 3 + 8*len(c.Holders) + 5) {
				return
			}
			page.Chains = append(page.Chains, uint64(c.ID))
			page.HolderCounts = append(page.HolderCounts, uint32(len(c.Holders)))
			for _, holder := range c.Holders {
				page.Holders = append(page.Holders, uint64(holder))
			}
			page.Desired = append(page.Desired, c.Desired)
		}
		for _, id := range in.RemovedChains {
			if !room(8) {
				return
			}
			page.RemovedChains = append(page.RemovedChains, uint64(id))
		}
		yield(page)
	}
}

// nodeView converts a node as a scorer sees it.
func nodeView(n *scoring.Node) *pluginv1.NodeView {
	peer := peerToProto(n.Peer, n.Peer.HealthReason, 0)
	if peer.Echoes != nil {
		peer.Echoes = &meshosv1.EchoView{State: peer.Echoes.GetState()} // the rest changes with every round
	}
	if peer.Inventory != nil {
		peer.Inventory.Ages = nil // a view is kept by the scorer: they would grow old there
	}
	return &pluginv1.NodeView{Peer: peer, Avoided: n.Avoided}
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
	for i := range in.Nodes {
		out.Nodes[i] = nodeView(&in.Nodes[i])
	}
	for i, c := range in.Chains {
		out.Chains[i] = &pluginv1.ChainView{Chain: uint64(c.ID), Holders: numbers(c.Holders), Desired: c.Desired}
	}
	return out
}
