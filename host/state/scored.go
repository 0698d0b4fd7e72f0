package state

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// scoredChain are the scores of one chain as an answer has them.
type scoredChain struct {
	holders []mesh.NodeScore // ascending
	best    mesh.NodeScore   // Node is 0 for none
	cost    float32          // of moving to best, in units of score
}

// of returns the score of a holder.
func (c *scoredChain) of(n mesh.NodeID) (score float32, ok bool) {
	i, ok := slices.BinarySearchFunc(c.holders, n, func(h mesh.NodeScore, n mesh.NodeID) int { return cmp.Compare(h.Node, n) })
	if !ok {
		return 0, false
	}
	return c.holders[i].Score, true
}

// inPlace are the scores of one chain in little memory, as nearly every chain has them: those
// of its present holders, and of no other node.
type inPlace struct {
	best      mesh.NodeID
	bestScore float32
	cost      float32
	few       [fewHolders]float32 // if there are no more holders; in their order, noScore for none
}

const (
	fewHolders = 4
	noScore    = -1 // scores are 0 … 1
)

// ofHolders returns the scores in place of so many holders.
func (c *chain) ofHolders(n int) []float32 {
	if n <= fewHolders {
		return c.scores.few[:n]
	}
	return c.rare.scores
}

// unscore forgets the scores in place.
func (c *chain) unscore() {
	c.set(chainScored, false)
	c.scores = inPlace{}
	if c.rare != nil {
		c.rare.scores = nil
	}
}

// score takes over scores, and reports whether it could: all of them are of holders.
func (c *chain) score(in *scoredChain) bool {
	c.unscore()
	if len(c.holders) > fewHolders {
		c.editRare().scores = make([]float32, len(c.holders))
	}
	scores, found := c.ofHolders(len(c.holders)), 0
	for i, n := range c.holders {
		score, ok := in.of(n)
		if ok {
			found++
		} else {
			score = noScore
		}
		scores[i] = score
	}
	if found != len(in.holders) {
		c.unscore()
		return false
	}
	c.set(chainScored, true)
	c.scores.best, c.scores.bestScore, c.scores.cost = in.best.Node, in.best.Score, in.cost
	return true
}

// scored returns the scores in place as an answer has them; holders are those that they are of.
func (c *chain) scored(holders []mesh.NodeID) scoredChain {
	p := &c.scores
	out := scoredChain{best: mesh.NodeScore{Node: p.best, Score: p.bestScore}, cost: p.cost, holders: make([]mesh.NodeScore, 0, len(holders))}
	for i, score := range c.ofHolders(len(holders)) {
		if score >= 0 {
			out.holders = append(out.holders, mesh.NodeScore{Node: holders[i], Score: score})
		}
	}
	return out
}

// scoredAs reports whether the scores in place are what an answer says.
func (c *chain) scoredAs(in *scoredChain) bool {
	p := &c.scores
	if !c.is(chainScored) || p.best != in.best.Node || p.bestScore != in.best.Score || p.cost != in.cost {
		return false
	}
	n := 0
	for i, score := range c.ofHolders(len(c.holders)) {
		if score < 0 {
			continue
		}
		if n == len(in.holders) || in.holders[n] != (mesh.NodeScore{Node: c.holders[i], Score: score}) {
			return false
		}
		n++
	}
	return n == len(in.holders)
}
