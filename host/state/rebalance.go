package state

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// giveUpRebalance is how long a rebalance that does not come off is tried.
const giveUpRebalance = 10 * time.Minute

// Rebalance is a move of one replica that is under way: a placement on Target,
// and once that holds the chain an eviction of Worst.
type Rebalance struct {
	Chain  mesh.ChainID
	Worst  mesh.NodeID
	Target mesh.NodeID
	since  mesh.Time
}

// Rebalancing gives the move of a chain that is under way.
func (s *State) Rebalancing(id mesh.ChainID) (Rebalance, bool) {
	r := s.rebalances.get(id)
	if r == nil {
		return Rebalance{}, false
	}
	return *r, true
}

// AnyRebalance says whether any move is under way.
func (s *State) AnyRebalance() bool { return len(s.rebalances.entries) > 0 }

// Moving says how many moves are under way.
func (s *State) Moving() int { return len(s.rebalances.entries) }

// Cooling says whether a chain was moved too short a while ago to be moved again.
func (s *State) Cooling(id mesh.ChainID) bool {
	_, cooling := s.MovedAgo(id)
	return cooling
}

// MovedAgo says how long ago a chain was moved; cooling is false for one that may be
// moved again.
func (s *State) MovedAgo(id mesh.ChainID) (ago time.Duration, cooling bool) {
	c := s.chains.get(id)
	if c == nil || !c.rebalanced {
		return 0, false
	}
	ago = s.now.Sub(c.rebalancedAt)
	return ago, ago < s.policy.RebalanceCooldown
}

// BeginRebalance notes a move whose placement was handed out.
func (s *State) BeginRebalance(r Rebalance) {
	r.since = s.now
	*s.rebalances.ensure(r.Chain) = r
	s.moved(r.Chain)
}

// moved starts a chain's cooldown.
func (s *State) moved(id mesh.ChainID) {
	if c := s.chains.get(id); c != nil {
		c.rebalanced, c.rebalancedAt = true, s.now
	}
}

// tickRebalances lets go of the moves that came off, and gives up those that take
// too long, whose target is not allowed any more, or that are another leader's.
func (s *State) tickRebalances() {
	for id, r := range s.rebalances.all() {
		c := s.chains.get(id)
		if c == nil || c.leader != s.node {
			s.rebalances.remove(id)
			continue
		}
		v := c.view(id)
		done := !v.HeldBy(r.Worst)
		late := s.now.Sub(r.since) >= giveUpRebalance
		if done || late || !s.MayHost(r.Target) {
			s.rebalances.remove(id)
		}
	}
}
