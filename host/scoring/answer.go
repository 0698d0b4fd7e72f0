package scoring

import (
	"fmt"
	"math"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// WrongViewError means that a scorer answered for another view than the one that it was
// asked about.
type WrongViewError struct{ Asked, Answered uint64 }

// Error implements error.
func (e *WrongViewError) Error() string {
	return fmt.Sprintf("it scored view %d, but was asked for view %d", e.Answered, e.Asked)
}

// faults counts the opinions that were left out of an answer.
type faults struct {
	n     int
	first string
}

func (f *faults) add(format string, args ...any) {
	if f.n == 0 {
		f.first = fmt.Sprintf(format, args...)
	}
	f.n++
}

// String returns the reason of the failure report.
func (f *faults) String() string {
	if f.n == 1 {
		return "one opinion was left out: " + f.first
	}
	return fmt.Sprintf("%d opinions were left out, the first: %s", f.n, f.first)
}

// check keeps what is valid of an answer: opinions on chains that this node leads, on
// their holders, and on alternatives that are nodes of the view and not holders. So a
// table can't be larger than the view.
func check(v *View, in mesh.Scores) (out mesh.Scores, bad faults, err error) {
	if in.ViewVersion != v.Version {
		return mesh.Scores{}, faults{}, &WrongViewError{Asked: v.Version, Answered: in.ViewVersion}
	}
	out = mesh.Scores{ViewVersion: v.Version, Chains: make([]mesh.ChainScore, 0, min(len(in.Chains), len(v.Chains)))}
	seen := make(map[mesh.ChainID]bool, len(v.Chains))
	for _, score := range in.Chains {
		c, led := v.chain(score.Chain)
		switch {
		case !led:
			bad.add("chain %d, which this node does not lead", score.Chain)
		case seen[score.Chain]:
			bad.add("chain %d a second time", score.Chain)
		default:
			seen[score.Chain] = true
			out.Chains = append(out.Chains, checkChain(v, c, score, &bad))
		}
	}
	return out, bad, nil
}

func checkChain(v *View, c *Chain, in mesh.ChainScore, bad *faults) mesh.ChainScore {
	out := mesh.ChainScore{Chain: in.Chain, Best: in.Best, Cost: in.Cost}
	for _, h := range in.Holders {
		switch {
		case !c.heldBy(h.Node):
			bad.add("node %d as a holder of chain %d, which it does not hold", h.Node, c.ID)
		case !finite(h.Score):
			bad.add("%v as the score of node %d for chain %d", h.Score, h.Node, c.ID)
		case slices.ContainsFunc(out.Holders, func(o mesh.NodeScore) bool { return o.Node == h.Node }):
			bad.add("node %d twice for chain %d", h.Node, c.ID)
		default:
			out.Holders = append(out.Holders, h)
		}
	}
	if best := in.Best; best != nil {
		out.Best = nil
		switch {
		case c.heldBy(best.Node):
			bad.add("node %d as an alternative for chain %d, which it holds", best.Node, c.ID)
		case !v.has(best.Node):
			bad.add("node %d as an alternative for chain %d: there is no such node", best.Node, c.ID)
		case !finite(best.Score):
			bad.add("%v as the score of node %d for chain %d", best.Score, best.Node, c.ID)
		default:
			out.Best = best
		}
	}
	return out
}

// worst returns the lowest score of a chain's holders; ok is false if there is none.
func worst(c mesh.ChainScore) (score float32, ok bool) {
	for _, h := range c.Holders {
		if s := min(1, max(0, h.Score)); finite(h.Score) && (!ok || s < score) {
			score, ok = s, true
		}
	}
	return score, ok
}

func finite(f float32) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }
