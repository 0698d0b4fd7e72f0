package answers

import (
	"fmt"
	"math"
	"slices"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Scores removes from a table the scores that can't be used, and returns the table. A
// score that is finite but out of range stays: the core clamps it. The table has to be
// that of the view which was asked for.
func Scores(in *meshosv1.ScoreTable, view uint64) (*meshosv1.ScoreTable, Discarded, error) {
	var bad Discarded
	if got := in.GetViewVersion(); got != view {
		return nil, bad, fmt.Errorf("it scored view %d, but was asked for view %d", got, view)
	}
	seen := make(map[uint64]struct{}, len(in.Chains))
	in.Chains = slices.DeleteFunc(in.Chains, func(c *meshosv1.ChainScore) bool {
		if _, twice := seen[c.GetChain()]; twice {
			bad.Add("chain twice in an answer", "chain %d", c.GetChain())
			return true
		}
		if c.GetChain() == 0 {
			bad.Add("score without a chain", "chain 0")
			return true
		}
		seen[c.GetChain()] = struct{}{}
		checkChainScore(c, &bad)
		return false
	})
	return in, bad, nil
}

// checkChainScore removes from the scores of one chain what can't be used.
func checkChainScore(c *meshosv1.ChainScore, bad *Discarded) {
	nodes := make(map[uint64]struct{}, len(c.Holders))
	c.Holders = slices.DeleteFunc(c.Holders, func(n *meshosv1.NodeScore) bool {
		if !goodScore(c.GetChain(), n, bad) {
			return true
		}
		_, twice := nodes[n.GetNode()]
		nodes[n.GetNode()] = struct{}{}
		if twice {
			bad.Add("holder twice in a chain's scores", "chain %d, node %d", c.GetChain(), n.GetNode())
		}
		return twice
	})
	if alt := c.GetBestAlternative(); alt != nil && !goodScore(c.GetChain(), alt, bad) {
		c.BestAlternative = nil
	}
	if cost := c.GetCost(); cost != nil && !goodCost(cost) {
		bad.Add("cost that is negative or not finite", "chain %d", c.GetChain())
		c.Cost = nil
	}
}

func goodScore(chain uint64, n *meshosv1.NodeScore, bad *Discarded) bool {
	switch {
	case n.GetNode() == 0:
		bad.Add("score without a node", "chain %d", chain)
	case !finite(n.GetScore()):
		bad.Add("score not finite", "chain %d, node %d: %v", chain, n.GetNode(), n.GetScore())
	default:
		return true
	}
	return false
}

func goodCost(c *meshosv1.MigrationCost) bool {
	return finite(c.GetReliabilityFactor()) && c.GetReliabilityFactor() >= 0 &&
		(c.StateTransfer == nil || c.StateTransfer.IsValid() && c.StateTransfer.AsDuration() >= 0) &&
		(c.Disruption == nil || c.Disruption.IsValid() && c.Disruption.AsDuration() >= 0)
}

func finite(f float32) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }
