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
// table can't be larger than the view. It works in the memory of the answer.
func check(v *View, in mesh.Scores) (out mesh.Scores, bad faults, err error) {
	if in.ViewVersion != v.Version {
		return mesh.Scores{}, faults{}, &WrongViewError{Asked: v.Version, Answered: in.ViewVersion}
	}
	out = mesh.Scores{ViewVersion: v.Version, Changes: in.Changes, Chains: in.Chains[:0]}
	if out.Chains == nil {
		out.Chains = []mesh.ChainScore{}
	}
	replicas, again := v.of.Replicas.Finder(), repeats(in)
	// led reports whether an opinion on a chain may count.
	led := func(id mesh.ChainID) (Chain, bool) {
		c := v.led(replicas.Get(id))
		switch {
		case len(c.Holders) == 0:
			bad.add("chain %d, which this node does not lead", id)
		case again(id):
			bad.add("chain %d a second time", id)
		default:
			return c, true
		}
		return c, false
	}
	for i := range in.Chains {
		if c, counts := led(in.Chains[i].Chain); counts {
			out.Chains = append(out.Chains, checkChain(v, &c, in.Chains[i], &bad))
		}
	}
	for _, id := range in.Unscored {
		if _, counts := led(id); counts {
			out.Unscored = append(out.Unscored, id)
		}
	}
	return out, bad, nil
}

// repeats returns a function that reports whether it was asked about a chain before. It is
// asked about those of an answer, in their order.
func repeats(in mesh.Scores) func(mesh.ChainID) bool {
	ascending := len(in.Unscored) == 0
	for i := range in.Chains {
		ascending = ascending && (i == 0 || in.Chains[i-1].Chain < in.Chains[i].Chain)
	}
	if ascending {
		return func(mesh.ChainID) bool { return false }
	}
	seen := make(map[mesh.ChainID]bool, len(in.Chains)+len(in.Unscored))
	return func(id mesh.ChainID) bool {
		was := seen[id]
		seen[id] = true
		return was
	}
}

// checkChain keeps what is valid of the opinions on one chain.
func checkChain(v *View, c *Chain, in mesh.ChainScore, bad *faults) mesh.ChainScore {
	kept := 0
	for i, h := range in.Holders {
		switch {
		case !c.heldBy(h.Node):
			bad.add("node %d as a holder of chain %d, which it does not hold", h.Node, c.ID)
		case !finite(h.Score):
			bad.add("%v as the score of node %d for chain %d", h.Score, h.Node, c.ID)
		case slices.ContainsFunc(in.Holders[:kept], func(o mesh.NodeScore) bool { return o.Node == h.Node }):
			bad.add("node %d twice for chain %d", h.Node, c.ID)
		default:
			if kept != i {
				in.Holders[kept] = h
			}
			kept++
		}
	}
	if in.Holders = in.Holders[:kept]; kept == 0 {
		in.Holders = nil
	}
	if best := in.Best; best != nil {
		in.Best = nil
		switch {
		case c.heldBy(best.Node):
			bad.add("node %d as an alternative for chain %d, which it holds", best.Node, c.ID)
		case !v.has(best.Node):
			bad.add("node %d as an alternative for chain %d: there is no such node", best.Node, c.ID)
		case !finite(best.Score):
			bad.add("%v as the score of node %d for chain %d", best.Score, best.Node, c.ID)
		default:
			in.Best = best
		}
	}
	return in
}

// worst returns the lowest score of a chain's holders; ok is false if there is none.
func worst(c *mesh.ChainScore) (score float32, ok bool) {
	for _, h := range c.Holders {
		if s := min(1, max(0, h.Score)); finite(h.Score) && (!ok || s < score) {
			score, ok = s, true
		}
	}
	return score, ok
}

func finite(f float32) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }
