package pluginsdk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// freeDisk is a placement scorer: the more of its disk is free, the better a node.
type freeDisk struct{}

func newFreeDisk(pluginsdk.Env, struct{}) (freeDisk, error) { return freeDisk{}, nil }

func (freeDisk) Score(_ context.Context, view pluginsdk.View) (chains []*meshosv1.ChainScore, _ error) {
	score := map[uint64]float32{}
	for _, n := range view.Nodes {
		disk := n.GetPeer().GetInventory()
		if total := disk.GetDiskTotalBytes(); total > 0 {
			score[n.GetPeer().GetPeer()] = 1 - float32(disk.GetDiskUsedBytes())/float32(total)
		}
	}
	for _, chain := range view.Chains {
		s := &meshosv1.ChainScore{Chain: chain.GetChain()}
		for _, holder := range chain.GetHolders() {
			if free, known := score[holder]; known {
				s.Holders = append(s.Holders, &meshosv1.NodeScore{Node: holder, Score: free})
			}
		}
		chains = append(chains, s)
	}
	return chains, nil
}

func ExamplePlacementScorer() {
	disk := func(node, used, total uint64) *pluginv1.NodeView {
		return &pluginv1.NodeView{Peer: &meshosv1.PeerView{
			Peer: node, Inventory: &meshosv1.PeerInventory{Peer: node, DiskUsedBytes: &used, DiskTotalBytes: &total},
		}}
	}
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newFreeDisk, struct{}{})
		chains, err := plugin.Score(pluginsdk.View{
			Version: 1,
			Nodes:   []*pluginv1.NodeView{disk(2, 75, 100), disk(3, 10, 20)},
			Chains:  []*pluginv1.ChainView{{Chain: 7, Holders: []uint64{2, 3}, Desired: 2}},
		})
		for _, holder := range chains[0].GetHolders() {
			fmt.Println("node", holder.GetNode(), "scores", holder.GetScore())
		}
		fmt.Println(err)
	})
	// Output:
	// node 2 scores 0.25
	// node 3 scores 0.5
	// <nil>
}
