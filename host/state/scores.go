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
	at      mesh.Time // when it was taken in
	version uint64    // the pass whose view was scored
	chains  map[mesh.ChainID]scoredChain
}

type scoredChain struct {
	holders map[mesh.NodeID]float32
	best    *mesh.NodeScore
	cost    *mesh.MigrationCost
}

// scored takes a table in, whole. What is not finite is no opinion; other scores
// are brought into 0 … 1. A table of an older view than the one at hand says
// nothing new.
func (s *State) scored(in mesh.Scores) {
	if s.scores.known && in.ViewVersion < s.scores.version {
		return
	}
	table := scoreTable{known: true, at: s.now, version: in.ViewVersion, chains: make(map[mesh.ChainID]scoredChain, len(in.Chains))}
	for _, c := range in.Chains {
		sc := scoredChain{holders: make(map[mesh.NodeID]float32, len(c.Holders))}
		for _, h := range c.Holders {
			if score, ok := opinion(h.Score); ok {
				sc.holders[h.Node] = score
			}
		}
		if c.Best != nil && c.Best.Node != 0 {
			if score, ok := opinion(c.Best.Score); ok {
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

func opinion(score float32) (float32, bool) {
	if f := float64(score); math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return min(1, max(0, score)), true
}

// ScoresUsable says whether there is a table of scores that is not too old: one
// older than two decision intervals is not used.
func (s *State) ScoresUsable() bool {
	return s.scores.known && s.now.Sub(s.scores.at) <= 2*s.policy.DecisionInterval
}

// Score gives the score of a holder of a chain; ok is false for no opinion, for a
// table too old, and for a chain whose holders changed since it was scored.
func (s *State) Score(id mesh.ChainID, n mesh.NodeID) (score float32, ok bool) {
	c, ok := s.scoredNow(id)
	if !ok {
		return 0, false
	}
	score, ok = c.holders[n]
	return score, ok
}

// Alternative gives the best node that does not hold a chain, with the score that
// moving there costs, under the same conditions as Score.
func (s *State) Alternative(id mesh.ChainID) (best mesh.NodeScore, cost float32, ok bool) {
	c, ok := s.scoredNow(id)
	if !ok || c.best == nil {
		return mesh.NodeScore{}, 0, false
	}
	return *c.best, s.policy.costScore(c.cost), true
}

func (s *State) scoredNow(id mesh.ChainID) (scoredChain, bool) {
	if !s.ScoresUsable() {
		return scoredChain{}, false
	}
	if c := s.chains.get(id); c == nil || (c.everChanged && c.changed >= s.scores.version) {
		return scoredChain{}, false
	}
	c, ok := s.scores.chains[id]
	return c, ok
}

// costScore turns the cost of a move into units of score. A reliability that is
// not finite and positive weighs 1.
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
