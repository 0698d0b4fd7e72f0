package state

import (
	"maps"
	"math"
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
	holders map[mesh.NodeID]float32
	best    *mesh.NodeScore
	cost    *mesh.MigrationCost
}

// applyScores replaces the table as a whole. It ignores scores that are not finite and
// clamps the others to 0 … 1. It ignores a table for an older view than the present one.
func (s *State) applyScores(in mesh.Scores) {
	if s.scores.known && in.ViewVersion < s.scores.version {
		return
	}
	table := scoreTable{known: true, at: s.now, version: in.ViewVersion, chains: make(map[mesh.ChainID]scoredChain, len(in.Chains))}
	for _, c := range in.Chains {
		sc := scoredChain{holders: make(map[mesh.NodeID]float32, len(c.Holders))}
		for _, h := range c.Holders {
			if score, ok := usableScore(h.Score); ok {
				sc.holders[h.Node] = score
			}
		}
		if c.Best != nil && c.Best.Node != 0 {
			if score, ok := usableScore(c.Best.Score); ok {
				sc.best = &mesh.NodeScore{Node: c.Best.Node, Score: score}
			}
		}
		if c.Cost != nil {
			cost := *c.Cost
			sc.cost = &cost
		}
		table.chains[c.Chain] = sc
	}
	s.scores = table
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
	score, ok = c.holders[n]
	return score, ok
}

// Alternative returns the best node that does not hold a chain, and the cost of moving
// there in units of score. ok is false under the same conditions as for Score.
func (s *State) Alternative(id mesh.ChainID) (best mesh.NodeScore, cost float32, ok bool) {
	c, ok := s.currentScores(id)
	if !ok || c.best == nil {
		return mesh.NodeScore{}, 0, false
	}
	return *c.best, s.policy.costScore(c.cost), true
}

// currentScores returns the scores of a chain, if they may be used now.
func (s *State) currentScores(id mesh.ChainID) (scoredChain, bool) {
	if !s.ScoresUsable() {
		return scoredChain{}, false
	}
	if c := s.chains.get(id); c == nil || (c.everChanged && c.changed >= s.scores.version) {
		return scoredChain{}, false
	}
	c, ok := s.scores.chains[id]
	return c, ok
}

// costScore converts the cost of a move to units of score. A reliability factor that is not
// finite and positive counts as 1.
func (p Policy) costScore(c *mesh.MigrationCost) float32 {
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
		maps.DeleteFunc(sc.holders, func(n mesh.NodeID, _ float32) bool { return of[n] })
		if sc.best != nil && of[sc.best.Node] {
			sc.best = nil
			s.scores.chains[id] = sc
		}
	}
}
