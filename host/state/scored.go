package state

import (
	"cmp"
	"math"
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
	holders   []float32 // in the order of the chain's holders, NaN for none; nil if there are none, or if they are aside
	best      mesh.NodeID
	bestScore float32
	cost      float32
}

// scored reports whether there are scores in place.
func (p *inPlace) scored() bool { return p.holders != nil }

// put takes over scores, and reports whether it could: all of them are of holders.
func (p *inPlace) put(holders []mesh.NodeID, in *scoredChain) bool {
	scores := make([]float32, len(holders))
	found := 0
	for i, n := range holders {
		score, ok := in.of(n)
		if ok {
			found++
		} else {
			score = float32(math.NaN())
		}
		scores[i] = score
	}
	*p = inPlace{}
	if found == len(in.holders) {
		*p = inPlace{holders: scores, best: in.best.Node, bestScore: in.best.Score, cost: in.cost}
	}
	return p.scored()
}

// get returns the scores as an answer has them.
func (p *inPlace) get(holders []mesh.NodeID) scoredChain {
	out := scoredChain{best: mesh.NodeScore{Node: p.best, Score: p.bestScore}, cost: p.cost, holders: make([]mesh.NodeScore, 0, len(holders))}
	for i, score := range p.holders {
		if !isNaN(score) {
			out.holders = append(out.holders, mesh.NodeScore{Node: holders[i], Score: score})
		}
	}
	return out
}

// equal reports whether they are what an answer says.
func (p *inPlace) equal(holders []mesh.NodeID, in *scoredChain) bool {
	if !p.scored() || p.best != in.best.Node || p.bestScore != in.best.Score || p.cost != in.cost {
		return false
	}
	n := 0
	for i, score := range p.holders {
		if isNaN(score) {
			continue
		}
		if n == len(in.holders) || in.holders[n] != (mesh.NodeScore{Node: holders[i], Score: score}) {
			return false
		}
		n++
	}
	return n == len(in.holders)
}

func isNaN(f float32) bool { return f != f }
