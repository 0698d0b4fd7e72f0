package catalog

import (
	"fmt"
	"math"
	"slices"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// checkScores keeps the opinions that are some. It changes in and gives it back.
// What is finite but out of range is left to the core, which clamps it.
func checkScores(in *meshosv1.ScoreTable, version uint64) (*meshosv1.ScoreTable, findings, error) {
	if got := in.GetViewVersion(); got != version {
		return nil, nil, fmt.Errorf("%w: it scored view %d, was asked for %d; its author has to repair that", ErrBadAnswer, got, version)
	}
	var bad findings
	seen := make(map[uint64]struct{}, len(in.Chains))
	in.Chains = slices.DeleteFunc(in.Chains, func(c *meshosv1.ChainScore) bool {
		if _, twice := seen[c.GetChain()]; twice {
			bad.add("chain twice in an answer", "chain %d", c.GetChain())
			return true
		}
		if c.GetChain() == 0 {
			bad.add("score of no chain", "chain 0")
			return true
		}
		seen[c.GetChain()] = struct{}{}
		checkChainScore(c, &bad)
		return false
	})
	return in, bad, nil
}

// checkChainScore leaves out what is no opinion on one chain.
func checkChainScore(c *meshosv1.ChainScore, bad *findings) {
	nodes := make(map[uint64]struct{}, len(c.Holders))
	c.Holders = slices.DeleteFunc(c.Holders, func(n *meshosv1.NodeScore) bool {
		if !goodScore(c.GetChain(), n, bad) {
			return true
		}
		_, twice := nodes[n.GetNode()]
		nodes[n.GetNode()] = struct{}{}
		if twice {
			bad.add("holder twice in a chain's scores", "chain %d, node %d", c.GetChain(), n.GetNode())
		}
		return twice
	})
	if alt := c.GetBestAlternative(); alt != nil && !goodScore(c.GetChain(), alt, bad) {
		c.BestAlternative = nil
	}
	if cost := c.GetCost(); cost != nil && !goodCost(cost) {
		bad.add("cost that is none", "chain %d", c.GetChain())
		c.Cost = nil
	}
}

func goodScore(chain uint64, n *meshosv1.NodeScore, bad *findings) bool {
	switch {
	case n.GetNode() == 0:
		bad.add("score of no node", "chain %d", chain)
	case !finite(n.GetScore()):
		bad.add("score not finite", "chain %d, node %d: %v", chain, n.GetNode(), n.GetScore())
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
