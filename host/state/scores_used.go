package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// ScoresUsable reports whether there is a table of scores that is at most two decision
// intervals old.
func (s *State) ScoresUsable() bool {
	return s.scores.known && s.now.Sub(s.scores.at) <= 2*s.policy.DecisionInterval
}

// Score returns the score of a holder of a chain. ok is false if there is no score, if the
// table is too old, or if the holders of the chain have changed since they were scored.
func (s *State) Score(id mesh.ChainID, n mesh.NodeID) (score float32, ok bool) {
	c := s.ScoresOf(id)
	return c.Of(n)
}

// ChainScores are the scores of one chain that may be used now. The zero value has none.
type ChainScores struct {
	holders []mesh.NodeID
	scores  []float32 // of holders
	aside   scoredChain
	invalid map[mesh.NodeID]bool
}

// ScoresOf returns the scores of a chain, for whoever asks for several.
func (s *State) ScoresOf(id mesh.ChainID) ChainScores {
	c := s.scoredNow(id)
	switch {
	case c == nil:
		return ChainScores{}
	case c.is(chainScored):
		return ChainScores{holders: c.holders, scores: c.ofHolders(len(c.holders)), invalid: s.scores.invalid}
	}
	return ChainScores{aside: s.scores.aside[id].scoredChain, invalid: s.scores.invalid}
}

// Of returns the score of a holder, like Score.
func (c *ChainScores) Of(n mesh.NodeID) (score float32, ok bool) {
	if len(c.holders)+len(c.aside.holders) == 0 || c.invalid[n] {
		return 0, false
	}
	i, held := slices.BinarySearch(c.holders, n)
	switch {
	case !held:
		return c.aside.of(n)
	case c.scores[i] < 0:
		return 0, false
	}
	return c.scores[i], true
}

// Alternative returns the best node that does not hold a chain, and the cost of moving
// there in units of score. ok is false under the same conditions as for Score.
func (s *State) Alternative(id mesh.ChainID) (best mesh.NodeScore, cost float32, ok bool) {
	c := s.scoredNow(id)
	switch {
	case c == nil:
		return mesh.NodeScore{}, 0, false
	case c.is(chainScored):
		best, cost = mesh.NodeScore{Node: c.scores.best, Score: c.scores.bestScore}, c.scores.cost
	default:
		aside := s.scores.aside[id]
		best, cost = aside.best, aside.cost
	}
	if best.Node == 0 || s.scores.invalid[best.Node] {
		return mesh.NodeScore{}, 0, false
	}
	return best, cost, true
}

// scoredNow returns a chain whose scores, if it has any, may be used now; nil if they may not.
func (s *State) scoredNow(id mesh.ChainID) *chain {
	if !s.ScoresUsable() {
		return nil
	}
	c := s.chains.get(id)
	if c == nil || c.holdersSince(s.scores.version) {
		return nil
	}
	return c
}
