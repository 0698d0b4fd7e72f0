package state

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// scored takes over the scores of a chain. They share the memory of the answer if it has them
// as they are to be.
func (p *Policy) scored(c *mesh.ChainScore) scoredChain {
	out := scoredChain{holders: c.Holders, cost: p.costScore(c.Cost)}
	if !tidy(c.Holders) {
		out.holders = tidied(c.Holders)
	}
	if c.Best != nil && c.Best.Node != 0 {
		if score, ok := usableScore(c.Best.Score); ok {
			out.best = mesh.NodeScore{Node: c.Best.Node, Score: score}
		}
	}
	return out
}

// tidy reports whether scores are ascending by node, and can be used.
func tidy(scores []mesh.NodeScore) bool {
	for i, h := range scores {
		if i > 0 && scores[i-1].Node >= h.Node || !(h.Score >= 0 && h.Score <= 1) {
			return false
		}
	}
	return true
}

// tidied returns the scores that can be used, ascending by node.
func tidied(scores []mesh.NodeScore) []mesh.NodeScore {
	out := make([]mesh.NodeScore, 0, len(scores))
	for _, h := range slices.Backward(scores) { // of two scores of a node, the later one counts
		if score, ok := usableScore(h.Score); ok {
			out = append(out, mesh.NodeScore{Node: h.Node, Score: score})
		}
	}
	slices.SortStableFunc(out, func(a, b mesh.NodeScore) int { return cmp.Compare(a.Node, b.Node) })
	return slices.CompactFunc(out, func(a, b mesh.NodeScore) bool { return a.Node == b.Node })
}

// usableScore clamps a score to 0 … 1; ok is false if it is not finite.
func usableScore(score float32) (clamped float32, ok bool) {
	if f := float64(score); math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return min(1, max(0, score)), true
}

// costScore converts the cost of a move to units of score. A reliability factor that is not
// finite and positive counts as 1.
func (p *Policy) costScore(c *mesh.MigrationCost) float32 {
	if c == nil {
		return 0
	}
	weight := c.Reliability
	if f := float64(weight); math.IsNaN(f) || math.IsInf(f, 0) || weight <= 0 {
		weight = 1
	}
	seconds := float32(time.Duration(mesh.Time(c.StateTransfer).Add(c.Disruption)).Seconds())
	return float32(p.CostPerSecond) * seconds * weight
}
