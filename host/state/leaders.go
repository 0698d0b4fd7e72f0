package state

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	// transfersAtOnce is how many chains a node hands over at once, so that leaders come back after
	// a restart one after the other.
	transfersAtOnce = 2
	// transferSeen is how long it takes until others say what they lead since a transfer.
	transferSeen = 5 * time.Second
)

// transfer is a chain that this node is handing over, or did a moment ago.
type transfer struct {
	chain mesh.ChainID
	to    mesh.NodeID
	at    mesh.Time
}

// leading is what is known of who leads how many chains.
type leading struct {
	here    int           // led by this node
	recent  []transfer    // of this node
	lighter []mesh.NodeID // nodes that lead clearly fewer, ascending, as of the last tick
	version uint64        // of lighter
	stale   bool          // lighter is to be made anew
}

// setLeader sets who leads a chain; 0 for nobody.
func (s *State) setLeader(id mesh.ChainID, c *chain, n mesh.NodeID) {
	if before := c.leader; n != 0 && n != before {
		was := before
		if was == 0 {
			was = c.seldom().ledBefore
		}
		if was != 0 && was != n {
			c.editRare().ledSince = s.now
			c.set(chainHandedOver, true)
			s.dueAt(s.now.Add(s.policy.RebalanceCooldown), dueChain, uint64(id))
		}
	} else if n == 0 && before != 0 {
		c.editRare().ledBefore = before
	}
	if c.leader != n {
		c.current = 0 // that was the word of the leader before
		s.countLed(c, -1)
		defer s.countLed(c, 1)
	}
	c.leader = n
	c.set(chainElected, n != 0)
}

// countLed counts a chain if this node leads it.
func (s *State) countLed(c *chain, n int) {
	if c.leader == s.node {
		s.leading.here += n
		s.leading.stale = true
	}
}

// replicaCurrent notes which holders have all of a chain.
func (s *State) replicaCurrent(ev mesh.ReplicaCurrent) {
	c := s.chains.get(ev.Chain)
	if c == nil {
		return
	}
	var current uint16
	for i, n := range c.holders[:min(len(c.holders), 16)] {
		if slices.Contains(ev.Holders, n) {
			current |= 1 << i
		}
	}
	if current != c.current {
		s.chains.touch(ev.Chain, c)
		c.current = current
	}
}

// insertBit and removeBit keep a bit for each entry of a list in which one comes or goes at i.
func insertBit(bits uint16, i int) uint16 {
	if i >= 16 {
		return bits
	}
	low := uint16(1)<<i - 1
	return bits&low | bits&^low<<1
}

func removeBit(bits uint16, i int) uint16 {
	if i >= 16 {
		return bits
	}
	low := uint16(1)<<i - 1
	return bits&low | bits>>1&^low
}

// AnyCurrent reports whether the engine of a chain says which holders have all of it.
func (c Chain) AnyCurrent() bool { return c.current != 0 }

// Current reports whether a holder has all of a chain, as its engine says.
func (c Chain) Current(n mesh.NodeID) bool {
	i, held := slices.BinarySearch(c.Holders, n)
	return held && i < 16 && c.current&(1<<i) != 0
}

// MayLead reports whether a holder may be given the lead of a chain: it is live and Active, stays,
// and is neither cordoned nor avoided.
func (s *State) MayLead(n mesh.NodeID) bool {
	return s.Live(n) && !s.Avoids(n) && !s.unfitToLead(n)
}

func (s *State) unfitToLead(n mesh.NodeID) bool {
	p := s.peers.get(n)
	if p == nil {
		return false
	}
	phase := p.phaseNow()
	return p.isCordoned() || p.isDraining() || p.health == mesh.HealthUnreachable || p.member != nil && p.member.Gone ||
		phase != mesh.PhaseUnknown && phase != mesh.PhaseActive
}

// SinceLed returns how long ago a chain got another leader. cooling reports whether that was too
// recent for it to be handed over.
func (s *State) SinceLed(id mesh.ChainID) (ago time.Duration, cooling bool) {
	c := s.chains.get(id)
	if c == nil || !c.is(chainHandedOver) {
		return 0, false
	}
	ago = s.now.Sub(c.seldom().ledSince)
	return ago, ago < s.policy.RebalanceCooldown
}

// LedHere returns how many chains this node leads.
func (s *State) LedHere() int { return s.leading.here }

// LedBy returns how many chains another node says that it leads; ok is false if it says nothing.
func (s *State) LedBy(n mesh.NodeID) (led int, ok bool) {
	p := s.peers.get(n)
	if p == nil || p.member == nil || p.member.Gone || !p.member.says() {
		return 0, false
	}
	return int(p.member.Summary.ChainsLed), true
}

// lighter reports whether one node leads so clearly fewer chains than another that it should get
// one of them: afterwards it still leads no more.
func lighter(led, than int) bool { return led+2+than/10 <= than }

// Lighter returns the members that lead clearly fewer chains than this node, ascending, as of the
// last tick. It must not be written to.
func (s *State) Lighter() []mesh.NodeID { return s.leading.lighter }

// tickLeading finds who leads fewer chains than this node.
func (s *State) tickLeading() {
	l := &s.leading
	if !l.stale {
		return
	}
	l.stale = false
	var now []mesh.NodeID
	if l.here > 1 {
		for id := range s.peers.all() {
			if led, ok := s.LedBy(id); ok && id != s.node && lighter(led, l.here) {
				now = append(now, id)
			}
		}
	}
	if !slices.Equal(now, l.lighter) {
		l.lighter = now
		l.version++
	}
}

// MayTransfer reports whether a chain may be handed over now: few are at a time. For evenness, what
// was handed over a moment ago counts, though others may not have said so yet.
func (s *State) MayTransfer(a mesh.TransferLeader, even bool) bool {
	l := &s.leading
	l.recent = slices.DeleteFunc(l.recent, func(t transfer) bool {
		return !s.transferring(t.chain) && s.now.Sub(t.at) >= transferSeen
	})
	underWay, there, here := 0, 0, l.here
	for _, t := range l.recent {
		if s.transferring(t.chain) {
			underWay++
		}
		if t.to == a.To {
			there++
		}
		if c := s.chains.get(t.chain); c != nil && c.leader == s.node {
			here--
		}
	}
	if underWay >= transfersAtOnce {
		return false
	}
	led, _ := s.LedBy(a.To)
	return !even || lighter(led+there, here)
}

// transferring reports whether this node is handing a chain over.
func (s *State) transferring(id mesh.ChainID) bool {
	return s.Outstanding(mesh.TransferLeader{Chain: id}.Key())
}

// noteTransfer notes a transfer that was handed out.
func (s *State) noteTransfer(a mesh.TransferLeader) {
	s.leading.recent = append(s.leading.recent, transfer{a.Chain, a.To, s.now})
}
