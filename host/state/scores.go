package state

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// scoreTable is the scorer's last answer.
type scoreTable struct {
	known   bool
	at      mesh.Time // when it was folded
	version uint64    // number of the pass whose view was scored
	chains  map[mesh.ChainID]scoredChain
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

// applyScores replaces the table as a whole. It ignores scores that are not finite and
// clamps the others to 0 … 1. It ignores a table for an older view than the present one.
func (s *State) applyScores(in mesh.Scores) {
	if s.scores.known && in.ViewVersion < s.scores.version {
		return
	}
	before := s.scores
	s.scores = scoreTable{known: true, at: s.now, version: in.ViewVersion, chains: make(map[mesh.ChainID]scoredChain, len(in.Chains))}
	for _, c := range in.Chains {
		s.scores.chains[c.Chain] = s.policy.scored(c)
	}
	for id, now := range s.scores.chains {
		was, had := before.chains[id]
		delete(before.chains, id)
		if now.best.Node != 0 && now.best.Node != was.best.Node {
			s.chainsOf.add(s, now.best.Node, id)
		}
		if c := s.chains.get(id); c != nil && (!had || !now.equal(&was) || c.holdersSince(before.version) != c.holdersSince(in.ViewVersion)) {
			s.chains.touch(id, c)
		}
	}
	for id := range before.chains {
		s.chains.edit(id)
	}
}

// holdersSince reports whether the holders of a chain have changed since a view was made.
func (c *chain) holdersSince(version uint64) bool { return c.everChanged && c.changed >= version }

// scored takes over the scores of a chain.
func (p *Policy) scored(c mesh.ChainScore) scoredChain {
	out := scoredChain{holders: make([]mesh.NodeScore, 0, len(c.Holders)), cost: p.costScore(c.Cost)}
	for _, h := range slices.Backward(c.Holders) { // of two scores of a node, the later one counts
		if score, ok := usableScore(h.Score); ok {
			out.holders = append(out.holders, mesh.NodeScore{Node: h.Node, Score: score})
		}
	}
	slices.SortStableFunc(out.holders, func(a, b mesh.NodeScore) int { return cmp.Compare(a.Node, b.Node) })
	out.holders = slices.CompactFunc(out.holders, func(a, b mesh.NodeScore) bool { return a.Node == b.Node })
	if c.Best != nil && c.Best.Node != 0 {
		if score, ok := usableScore(c.Best.Score); ok {
			out.best = mesh.NodeScore{Node: c.Best.Node, Score: score}
		}
	}
	return out
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
	c, ok := s.currentScores(id)
	if !ok {
		return 0, false
	}
	return c.of(n)
}

// Alternative returns the best node that does not hold a chain, and the cost of moving
// there in units of score. ok is false under the same conditions as for Score.
func (s *State) Alternative(id mesh.ChainID) (best mesh.NodeScore, cost float32, ok bool) {
	c, ok := s.currentScores(id)
	if !ok || c.best.Node == 0 {
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

func (s *State) forgetScores(of map[mesh.NodeID]bool) {
	for id, sc := range s.scores.chains {
		kept := slices.DeleteFunc(slices.Clone(sc.holders), func(h mesh.NodeScore) bool { return of[h.Node] })
		bestGone := of[sc.best.Node]
		if len(kept) == len(sc.holders) && !bestGone {
			continue
		}
		if sc.holders = kept; bestGone {
			sc.best = mesh.NodeScore{}
		}
		s.scores.chains[id] = sc
		s.chains.edit(id)
	}
}
