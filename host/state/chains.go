package state

import (
	"iter"
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// Chain is what is known about one replicated chain, and what should be.
type Chain struct {
	ID         mesh.ChainID
	Holders    []mesh.NodeID // ascending; must not be written to
	Leader     mesh.NodeID   // 0 if none is known
	Desired    uint32        // meaningful with Wished
	HasDesired bool          // Desired is set
	Hold       mesh.HoldIntent

	current uint16 // a bit for each of the first 16 holders: it has all of the chain

	Spread string // the label over whose values holders are spread; "" for none

	Count *CountOrder // the order that set Desired; nil if the configuration did
	Held  *HoldOrder  // the order that set Hold; nil if the configuration did
}

// HeldBy reports whether n holds the chain.
func (c Chain) HeldBy(n mesh.NodeID) bool {
	_, found := slices.BinarySearch(c.Holders, n)
	return found
}

// chain is kept small, since there may be a million: what few chains have is in rare.
type chain struct {
	marks.Set
	hold    mesh.HoldIntent
	flags   chainFlags
	desired uint32
	current uint16 // a bit for each of the first 16 holders: it has all of the chain, as the leader says
	holders []mesh.NodeID
	leader  mesh.NodeID
	changed uint64      // number of the last pass before the holders changed
	count   *CountOrder // what was ordered instead of the configuration; nil for nothing
	scores  inPlace     // meaningful with chainScored
	rare    *rare
}

// chainFlags are what holds of a chain or not, in few bytes.
type chainFlags uint16

const (
	chainElected      chainFlags = 1 << iota // the leader was elected after the last holder left
	chainDesired                             // desired is set
	chainConfigured                          // the configuration names it
	chainEmptied                             // it was empty at emptiedAt; the next tick forgets it if it still is
	chainKept                                // it is kept for a while although it is empty
	chainRemovalAsked                        // a drop or an eviction was handed out once
	chainEverChanged                         // changed is meaningful
	chainRebalanced                          // rebalancedAt is meaningful
	chainScored                              // there are scores in place
	chainHandedOver                          // ledSince is meaningful
)

// is reports whether a flag is set.
func (c *chain) is(f chainFlags) bool { return c.flags&f != 0 }

// set sets a flag or takes it back.
func (c *chain) set(f chainFlags, holds bool) {
	if c.flags &^= f; holds {
		c.flags |= f
	}
}

// rare is what few chains have.
type rare struct {
	file         mesh.ConfiguredChain // what the configuration says; zero if it does not name the chain
	held         *HoldOrder           // what was ordered instead; nil for nothing
	returned     []mesh.NodeID        // holders that were lost and are back
	emptiedAt    mesh.Time
	rebalancedAt mesh.Time
	ledSince     mesh.Time   // when another node led it than before
	ledBefore    mesh.NodeID // who led it before nobody did; 0 if somebody always did
	scores       []float32   // those in place of more holders than inPlace has room for
}

// seldom returns what the chain has of that, for reading.
func (c *chain) seldom() rare {
	if c.rare == nil {
		return rare{}
	}
	return *c.rare
}

// editRare returns it for writing.
func (c *chain) editRare() *rare {
	if c.rare == nil {
		c.rare = new(rare)
	}
	return c.rare
}

// Chains yields all chains, by id.
func (s *State) Chains() iter.Seq[Chain] {
	return func(yield func(Chain) bool) {
		for id, c := range s.chains.all() {
			if !yield(c.view(id)) {
				return
			}
		}
	}
}

// Chain returns one chain; ok is false if the chain is not known.
func (s *State) Chain(id mesh.ChainID) (c Chain, ok bool) {
	if e := s.chains.get(id); e != nil {
		return e.view(id), true
	}
	return Chain{}, false
}

func (c *chain) view(id mesh.ChainID) Chain {
	v := Chain{ID: id, Holders: c.holders, Leader: c.leader, Desired: c.desired, HasDesired: c.is(chainDesired), Hold: c.hold, Count: c.count, current: c.current}
	if r := c.rare; r != nil {
		v.Held = r.held
	}
	v.Spread = c.spread()
	return v
}

// spread returns the label over which the holders are spread: of a chain of the mesh, what was
// ordered with it.
func (c *chain) spread() string {
	if c.count != nil && c.count.OfMesh {
		return c.count.Spread
	}
	return c.seldom().file.Spread
}

func (c *chain) setDesired(n uint32) {
	c.desired = n
	c.set(chainDesired, true)
}

// add and remove do not change the old slice, which snapshots share.
func (c *chain) add(n mesh.NodeID) (changed bool) {
	i, found := slices.BinarySearch(c.holders, n)
	if found {
		return false
	}
	grown := make([]mesh.NodeID, 0, len(c.holders)+1)
	grown = append(grown, c.holders[:i]...)
	grown = append(grown, n)
	c.holders = append(grown, c.holders[i:]...)
	c.current = insertBit(c.current, i)
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
	c.current = removeBit(c.current, i)
	if len(c.holders) == 0 {
		c.set(chainElected, false)
	}
	return true
}

// noteChange notes in which pass the holders changed.
func (c *chain) noteChange(pass uint64) {
	c.changed = pass
	c.set(chainEverChanged, true)
}

func (s *State) replicaUpdated(ev mesh.ReplicaUpdate) {
	switch ev.Change {
	case mesh.ReplicaAdded, mesh.ReplicaRepaired:
		s.addHolder(ev.Chain, ev.Holder)
	case mesh.ReplicaRemoved, mesh.ReplicaLost:
		s.dropHolder(ev.Chain, ev.Holder)
	}
}

func (s *State) addHolder(id mesh.ChainID, holder mesh.NodeID) {
	c := s.chains.get(id)
	if c == nil {
		c = s.chains.ensure(id)
	}
	if before := c.holders; c.add(holder) {
		s.chains.touch(id, c)
		c.noteChange(s.pass)
		s.unsettle(id, c, before)
		s.chainsOf.add(s, holder, id)
		if holder == s.node {
			s.held++
		}
		s.holderAdded(id, holder)
	}
}

func (s *State) dropHolder(id mesh.ChainID, holder mesh.NodeID) {
	if c := s.chains.get(id); c != nil {
		if before := c.holders; c.remove(holder) {
			s.chains.touch(id, c)
			c.noteChange(s.pass)
			s.unsettle(id, c, before)
			if holder == s.node {
				s.held++
			}
			if c.is(chainRemovalAsked) {
				s.holderGone(id, holder)
			}
		}
		s.noteIfEmpty(id)
	}
}

// elect notes that a node leads a chain.
func (s *State) elect(id mesh.ChainID, leader mesh.NodeID) {
	if c := s.chains.get(id); c == nil || c.leader != leader || !c.is(chainElected) {
		s.setLeader(id, s.chains.ensure(id), leader)
	}
}

func (s *State) leaderChanged(ev mesh.ReplicaLeader) {
	if ev.Leader != 0 {
		s.elect(ev.Chain, ev.Leader)
		return
	}
	if c := s.chains.edit(ev.Chain); c != nil {
		s.setLeader(ev.Chain, c, 0)
		s.noteIfEmpty(ev.Chain)
	}
}

func (s *State) replicaTransitioned(ev mesh.ReplicaTransition) {
	switch ev.Kind {
	case mesh.BecameHolderAndLeader:
		s.addHolder(ev.Chain, ev.Holder)
		s.elect(ev.Chain, ev.Holder)
	case mesh.LeaderLostAndRemoved:
		// A step-down that arrives late must not undo a newer election.
		if c := s.chains.get(ev.Chain); c != nil && c.leader == ev.Holder {
			s.chains.touch(ev.Chain, c)
			s.setLeader(ev.Chain, c, 0)
		}
		s.dropHolder(ev.Chain, ev.Holder)
	}
}

// noteIfEmpty notes an empty chain for the next tick, which forgets it.
func (s *State) noteIfEmpty(id mesh.ChainID) {
	if c := s.chains.get(id); c != nil && c.empty() && !c.is(chainEmptied) {
		s.chains.touch(id, c)
		c.editRare().emptiedAt = s.now
		c.set(chainEmptied, true)
		c.set(chainKept, false)
	}
}

// empty reports whether no node holds or leads the chain and nothing asks for it. A leader
// that was elected before the last holder left does not count.
func (c *chain) empty() bool {
	return len(c.holders) == 0 && !c.is(chainConfigured) && !c.is(chainElected) && (!c.is(chainDesired) || c.desired == 0) && c.hold != mesh.HoldKeep
}

// sweepChains forgets empty chains. It keeps one with an order to drop it for a while: the
// order may arrive before the news that this node holds the chain.
func (s *State) sweepChains() {
	for id, c := range s.chains.only(s.chains.marks.Of(marks.Tick)) {
		switch {
		case !c.is(chainEmptied):
		case !c.empty():
			s.chains.touch(id, c)
			c.set(chainEmptied, false)
		case c.hold == mesh.HoldDrop && s.now.Sub(c.seldom().emptiedAt) < forgetAfter:
			if !c.is(chainKept) {
				c.set(chainKept, true)
				s.dueAt(c.seldom().emptiedAt.Add(forgetAfter), dueChain, uint64(id))
			}
		default:
			s.unsettle(id, c, c.holders)
			s.countLed(c, -1)
			s.chains.remove(id)
		}
	}
}
