package state

import (
	"iter"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Chain is what is known and wished of one replicated chain.
type Chain struct {
	ID      mesh.ChainID
	Holders []mesh.NodeID // ascending; not to be written to
	Leader  mesh.NodeID   // 0: none known
	Desired uint32        // meaningful with Wished
	Wished  bool          // somebody said how many replicas there should be
	Hold    mesh.HoldIntent
}

// HeldBy says whether n holds the chain.
func (c Chain) HeldBy(n mesh.NodeID) bool {
	_, found := slices.BinarySearch(c.Holders, n)
	return found
}

type chain struct {
	holders []mesh.NodeID
	leader  mesh.NodeID
	elected bool // the leader was named since the last holder left
	desired uint32
	wished  bool
	hold    mesh.HoldIntent

	configured bool // the configuration names it
	emptied    bool // it is among the emptied chains
	taken      bool // a drop or an eviction was handed out once

	everChanged  bool   // changed is meaningful
	changed      uint64 // the last pass before the holders changed
	returned     []mesh.NodeID
	rebalanced   bool // rebalancedAt is meaningful
	rebalancedAt mesh.Time
}

// Chains walks all chains, by id.
func (s *State) Chains() iter.Seq[Chain] {
	return func(yield func(Chain) bool) {
		for id, c := range s.chains.all() {
			if !yield(c.view(id)) {
				return
			}
		}
	}
}

// Chain gives one chain; ok is false for one that nobody mentioned.
func (s *State) Chain(id mesh.ChainID) (c Chain, ok bool) {
	if e := s.chains.get(id); e != nil {
		return e.view(id), true
	}
	return Chain{}, false
}

func (c *chain) view(id mesh.ChainID) Chain {
	return Chain{ID: id, Holders: c.holders, Leader: c.leader, Desired: c.desired, Wished: c.wished, Hold: c.hold}
}

func (c *chain) setDesired(n uint32) { c.desired, c.wished = n, true }

// add and remove leave the old slice as it was: snapshots share it.
func (c *chain) add(n mesh.NodeID) (changed bool) {
	i, found := slices.BinarySearch(c.holders, n)
	if found {
		return false
	}
	grown := make([]mesh.NodeID, 0, len(c.holders)+1)
	grown = append(grown, c.holders[:i]...)
	grown = append(grown, n)
	c.holders = append(grown, c.holders[i:]...)
	return true
}

func (c *chain) remove(n mesh.NodeID) (changed bool) {
	i, found := slices.BinarySearch(c.holders, n)
	if !found {
		return false
	}
	shrunk := make([]mesh.NodeID, 0, len(c.holders)-1)
	shrunk = append(shrunk, c.holders[:i]...)
	c.holders = append(shrunk, c.holders[i+1:]...)
	if len(c.holders) == 0 {
		c.elected = false
	}
	return true
}

func (c *chain) elect(n mesh.NodeID) { c.leader, c.elected = n, n != 0 }

func (s *State) replicaUpdated(ev mesh.ReplicaUpdate) {
	switch ev.Change {
	case mesh.ReplicaAdded, mesh.ReplicaRepaired:
		s.addHolder(ev.Chain, ev.Holder)
	case mesh.ReplicaRemoved, mesh.ReplicaLost:
		s.dropHolder(ev.Chain, ev.Holder)
	}
}

func (s *State) addHolder(id mesh.ChainID, holder mesh.NodeID) *chain {
	c := s.chains.ensure(id)
	if c.add(holder) {
		c.everChanged, c.changed = true, s.tick
	}
	return c
}

func (s *State) dropHolder(id mesh.ChainID, holder mesh.NodeID) {
	if c := s.chains.get(id); c != nil {
		if c.remove(holder) {
			c.everChanged, c.changed = true, s.tick
			if c.taken {
				s.heardGone(id, holder)
			}
		}
		s.maybeEmpty(id)
	}
}

func (s *State) leaderChanged(ev mesh.ReplicaLeader) {
	if ev.Leader != 0 {
		s.chains.ensure(ev.Chain).elect(ev.Leader)
		return
	}
	if c := s.chains.get(ev.Chain); c != nil {
		c.elect(0)
		s.maybeEmpty(ev.Chain)
	}
}

func (s *State) replicaMoved(ev mesh.ReplicaTransition) {
	switch ev.Kind {
	case mesh.BecameHolderAndLeader:
		s.addHolder(ev.Chain, ev.Holder).elect(ev.Holder)
	case mesh.LeaderLostAndRemoved:
		// A late step-down must not undo a newer election.
		if c := s.chains.get(ev.Chain); c != nil && c.leader == ev.Holder {
			c.elect(0)
		}
		s.dropHolder(ev.Chain, ev.Holder)
	}
}

// emptiedChain is a chain that became empty, and when.
type emptiedChain struct {
	id mesh.ChainID
	at mesh.Time
}

// maybeEmpty notes a chain for the next tick, which forgets what nobody holds
// and nobody wants.
func (s *State) maybeEmpty(id mesh.ChainID) {
	if c := s.chains.get(id); c != nil && c.empty() && !c.emptied {
		c.emptied = true
		s.emptiedChains = append(s.emptiedChains, emptiedChain{id, s.now})
	}
}

// empty says whether nobody holds, leads or wants the chain. A leader from before
// the last holder left does not keep it.
func (c *chain) empty() bool {
	return len(c.holders) == 0 && !c.configured && !c.elected && (!c.wished || c.desired == 0) && c.hold != mesh.HoldKeep
}

// sweepChains forgets empty chains. An order to drop one waits a while for the
// replica it is about, since intents may be heard before holders.
func (s *State) sweepChains() {
	s.emptiedChains = slices.DeleteFunc(s.emptiedChains, func(e emptiedChain) bool {
		c := s.chains.get(e.id)
		switch {
		case c == nil:
		case !c.empty():
			c.emptied = false
		case c.hold == mesh.HoldDrop && s.now.Sub(e.at) < forgetAfter:
			return false
		default:
			s.chains.remove(e.id)
		}
		return true
	})
}
