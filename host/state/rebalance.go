package state

import (
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// giveUpRebalance is how long a move is tried before it is given up. While a migration of the
// chain advances, that does not count.
const giveUpRebalance = 10 * time.Minute

// Rebalance is a move of one replica that is under way: a placement on Target and, once
// that holds the chain, an eviction from Worst.
type Rebalance struct {
	Chain  mesh.ChainID
	Worst  mesh.NodeID
	Target mesh.NodeID
	since  mesh.Time
}

type move struct {
	marks.Set
	Rebalance
}

// Rebalancing returns the move of a chain that is under way, if there is one.
func (s *State) Rebalancing(id mesh.ChainID) (Rebalance, bool) {
	r := s.rebalances.get(id)
	if r == nil {
		return Rebalance{}, false
	}
	return r.Rebalance, true
}

// AnyRebalance reports whether a move is under way.
func (s *State) AnyRebalance() bool { return s.rebalances.len() > 0 }

// Moving returns how many moves are under way.
func (s *State) Moving() int { return s.rebalances.len() }

// InCooldown reports whether a chain was moved too recently to be moved again.
func (s *State) InCooldown(id mesh.ChainID) bool {
	_, cooling := s.SinceMove(id)
	return cooling
}

// SinceMove returns how long ago a chain was moved. cooling reports whether that was too
// recent for another move.
func (s *State) SinceMove(id mesh.ChainID) (ago time.Duration, cooling bool) {
	c := s.chains.get(id)
	if c == nil || !c.is(chainRebalanced) {
		return 0, false
	}
	ago = s.now.Sub(c.seldom().rebalancedAt)
	return ago, ago < s.policy.RebalanceCooldown
}

// BeginRebalance notes a move whose placement was handed out just now.
func (s *State) BeginRebalance(r Rebalance) {
	r.since = s.now
	s.rebalances.ensure(r.Chain).Rebalance = r
	s.chainsOf.add(s, r.Target, r.Chain)
	s.dueAt(s.now.Add(giveUpRebalance), dueChain, uint64(r.Chain))
	s.startCooldown(r.Chain)
}

// startCooldown starts a chain's cooldown.
func (s *State) startCooldown(id mesh.ChainID) {
	if c := s.chains.edit(id); c != nil {
		c.editRare().rebalancedAt = s.now
		c.set(chainRebalanced, true)
		s.dueAt(s.now.Add(s.policy.RebalanceCooldown), dueChain, uint64(id))
	}
}

// tickRebalance removes the move of a chain if it is done, and gives it up if it takes too
// long, if its target may not host any more, or if another node leads the chain.
func (s *State) tickRebalance(id mesh.ChainID) {
	r := s.rebalances.get(id)
	if r == nil {
		return
	}
	c := s.chains.get(id)
	tried := max(r.since, s.advanced(id))
	if c == nil || c.leader != s.node || !c.view(id).HeldBy(r.Worst) ||
		s.now.Sub(tried) >= giveUpRebalance || !s.MayHost(r.Target) {
		s.endMove(id)
	} else if s.now.Sub(r.since) >= giveUpRebalance {
		s.dueAt(tried.Add(giveUpRebalance), dueChain, uint64(id))
	}
}

// endMove removes the move of a chain.
func (s *State) endMove(id mesh.ChainID) {
	s.rebalances.remove(id)
	s.chains.edit(id)
}
