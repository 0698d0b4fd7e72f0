package state

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// scoreTable is what the scorer's answers say.
type scoreTable struct {
	known   bool
	at      mesh.Time // when the last answer was folded
	version uint64    // number of the pass whose view was scored
	chains  map[mesh.ChainID]scoredChain
	// unsettled are scored chains whose holders have changed since the view was made: their
	// scores count again with the next answer.
	unsettled map[mesh.ChainID]bool
	// invalid are nodes whose scores do not count until there is another answer.
	invalid map[mesh.NodeID]bool
}

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

func (c *scoredChain) equal(other *scoredChain) bool {
	return c.best == other.best && c.cost == other.cost && slices.Equal(c.holders, other.holders)
}

// bestOf returns the best alternative of a chain; 0 for none.
func (t *scoreTable) bestOf(id mesh.ChainID) mesh.NodeID { return t.chains[id].best.Node }

// applyScores folds an answer: the whole table, or what has changed in it. It ignores scores
// that are not finite and clamps the others to 0 … 1. It ignores an answer for an older view
// than the present one.
func (s *State) applyScores(in mesh.Scores) {
	if s.scores.known && in.ViewVersion < s.scores.version {
		return
	}
	before := s.scores
	s.scores = scoreTable{known: true, at: s.now, version: in.ViewVersion, chains: before.chains, unsettled: before.unsettled}
	whole := !in.Changes || before.chains == nil
	if whole {
		s.scores.chains = make(map[mesh.ChainID]scoredChain, len(in.Chains))
	}
	for i := range in.Chains {
		id := in.Chains[i].Chain
		was, had := before.chains[id]
		if whole {
			delete(before.chains, id)
		}
		s.takeScores(&in.Chains[i], was, had)
	}
	if whole { // the others have no scores any more
		for id := range before.chains {
			s.chains.edit(id)
		}
	}
	for _, id := range in.Unscored {
		if _, had := s.scores.chains[id]; had {
			delete(s.scores.chains, id)
			s.chains.edit(id)
		}
	}
	s.settleScores()
	for n := range before.invalid {
		s.touchChainsOf(n)
	}
}

// takeScores takes the scores of one chain, which had others or none.
func (s *State) takeScores(in *mesh.ChainScore, was scoredChain, had bool) {
	now := s.policy.scored(in)
	s.scores.chains[in.Chain] = now
	if now.best.Node != 0 && now.best.Node != was.best.Node {
		s.chainsOf.add(s, now.best.Node, in.Chain)
	}
	c := s.chains.get(in.Chain)
	if c == nil {
		return
	}
	if !had || !now.equal(&was) {
		s.chains.touch(in.Chain, c)
	}
	if c.holdersSince(s.scores.version) {
		s.scores.unsettle(in.Chain)
	}
}

// unsettle notes that the holders of a chain are not those of the view.
func (t *scoreTable) unsettle(id mesh.ChainID) {
	if _, scored := t.chains[id]; !scored {
		return
	}
	if t.unsettled == nil {
		t.unsettled = make(map[mesh.ChainID]bool)
	}
	t.unsettled[id] = true
}

// settleScores finds the chains whose scores count again, since their holders are those of
// the present view.
func (s *State) settleScores() {
	for id := range s.scores.unsettled {
		c := s.chains.get(id)
		if c == nil {
			delete(s.scores.unsettled, id)
		} else if !c.holdersSince(s.scores.version) {
			delete(s.scores.unsettled, id)
			s.chains.touch(id, c)
		}
	}
}

// holdersSince reports whether the holders of a chain have changed since a view was made.
func (c *chain) holdersSince(version uint64) bool { return c.everChanged && c.changed >= version }

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
	of      scoredChain
	invalid map[mesh.NodeID]bool
}

// ScoresOf returns the scores of a chain, for whoever asks for several.
func (s *State) ScoresOf(id mesh.ChainID) ChainScores {
	c, ok := s.currentScores(id)
	if !ok {
		return ChainScores{}
	}
	return ChainScores{of: c, invalid: s.scores.invalid}
}

// Of returns the score of a holder, like Score.
func (c *ChainScores) Of(n mesh.NodeID) (score float32, ok bool) {
	if len(c.of.holders) == 0 || c.invalid[n] {
		return 0, false
	}
	return c.of.of(n)
}

// Alternative returns the best node that does not hold a chain, and the cost of moving
// there in units of score. ok is false under the same conditions as for Score.
func (s *State) Alternative(id mesh.ChainID) (best mesh.NodeScore, cost float32, ok bool) {
	c, ok := s.currentScores(id)
	if !ok || c.best.Node == 0 || s.scores.invalid[c.best.Node] {
		return mesh.NodeScore{}, 0, false
	}
	return c.best, c.cost, true
}

// currentScores returns the scores of a chain, if they may be used now.
func (s *State) currentScores(id mesh.ChainID) (scoredChain, bool) {
	if !s.ScoresUsable() {
		return scoredChain{}, false
	}
	if c := s.chains.get(id); c == nil || c.holdersSince(s.scores.version) {
		return scoredChain{}, false
	}
	c, ok := s.scores.chains[id]
	return c, ok
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

// invalidatePlacement forgets the scores of a node and the rebalance cooldown of
// the chains it holds.
func (s *State) invalidatePlacement(n mesh.NodeID) {
	s.forgetScores(map[mesh.NodeID]bool{n: true})
	for id, c := range s.chains.all() {
		if c.view(id).HeldBy(n) {
			s.chains.touch(id, c)
			c.rebalancedAt, c.rebalanced = 0, false
		}
	}
}

// forgetScores makes the scores of nodes not count until there is another answer.
func (s *State) forgetScores(of map[mesh.NodeID]bool) {
	if s.scores.invalid == nil {
		s.scores.invalid = make(map[mesh.NodeID]bool, len(of))
	}
	for n := range of {
		s.scores.invalid[n] = true
		s.touchChainsOf(n)
	}
}

// touchChainsOf touches the chains for which a node may matter.
func (s *State) touchChainsOf(n mesh.NodeID) {
	for _, id := range s.chainsOf.of(n) {
		s.chains.edit(id)
	}
}
