package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Required returns the number of live holders below which no drop and no eviction may take
// the chain: the desired number, and at least 1.
func (c Chain) Required() int { return max(1, int(c.Desired)) }

// LiveHolders returns the holders of a chain that count: those that are live and from which
// the chain is not being removed.
func (s *State) LiveHolders(c Chain) []mesh.NodeID {
	var out []mesh.NodeID
	removing := s.RemovalsOf(c.ID)
	for _, n := range c.Holders {
		if s.Live(n) && !slices.Contains(removing, n) {
			out = append(out, n)
		}
	}
	return out
}

// RemovalsOf returns the holders from which a chain is being removed.
func (s *State) RemovalsOf(id mesh.ChainID) []mesh.NodeID {
	var out []mesh.NodeID
	for _, key := range removalKeys(id) {
		if e := s.ledger.entries[key]; e != nil {
			if _, n, ok := s.removal(e); ok {
				out = append(out, n)
			}
		}
	}
	return out
}

// removalKeys returns the keys of the actions that can remove a chain from a holder.
func removalKeys(id mesh.ChainID) [2]mesh.ActionKey {
	return [2]mesh.ActionKey{mesh.RequestEviction{Chain: id}.Key(), mesh.DropReplica{Chain: id}.Key()}
}

// noteRemoval notes that a removal of the chain was handed out, so that dropHolder calls
// holderGone.
func (s *State) noteRemoval(id mesh.ChainID) {
	if c := s.chains.edit(id); c != nil {
		c.set(chainRemovalAsked, true)
	}
}

// holderGone notes that a holder no longer has a chain, in the entry of the action that
// removes it.
func (s *State) holderGone(id mesh.ChainID, holder mesh.NodeID) {
	for _, key := range removalKeys(id) {
		if e := s.ledger.entries[key]; e != nil {
			if _, n, ok := s.removal(e); ok && n == holder {
				s.met(key)
			}
		}
	}
}

// holderAdded notes that a holder has a chain, in the entry of the action that brings it
// there.
func (s *State) holderAdded(id mesh.ChainID, holder mesh.NodeID) {
	if holder == s.node {
		s.met(mesh.PullReplica{Chain: id}.Key())
	}
	key := mesh.RequestPlacement{Chain: id}.Key()
	if e := s.ledger.entries[key]; e != nil {
		if a, ok := e.emitted.Action.(mesh.RequestPlacement); ok && a.Target == holder {
			s.met(key)
		}
	}
}

// Removing reports whether any chain may be being removed from a holder.
func (s *State) Removing() bool { return s.ledger.removals > 0 }

// PendingRemovals returns, by chain, the holders from which it is being removed.
func (s *State) PendingRemovals() map[mesh.ChainID][]mesh.NodeID {
	out := make(map[mesh.ChainID][]mesh.NodeID)
	for _, e := range s.ledger.entries {
		if id, n, ok := s.removal(e); ok {
			out[id] = append(out[id], n)
		}
	}
	return out
}

// removal returns the holder from which a drop or an eviction is removing a chain: the
// action was handed out and has not ended, or it succeeded a moment ago and the holder is
// not yet reported as gone.
func (s *State) removal(e *ledgerEntry) (id mesh.ChainID, n mesh.NodeID, ok bool) {
	switch a := e.emitted.Action.(type) {
	case mesh.RequestEviction:
		id, n = a.Chain, a.Victim
	case mesh.DropReplica:
		id, n = a.Chain, s.node
	default:
		return 0, 0, false
	}
	switch e.phase {
	case outstanding:
		return id, n, true
	case settling:
		return id, n, s.now < e.until && !e.met
	}
	return 0, 0, false
}

// LostNodes returns the nodes that do not count as holders.
func (s *State) LostNodes() map[mesh.NodeID]bool {
	out := make(map[mesh.NodeID]bool)
	for id, p := range s.peers.all() {
		if p.health == mesh.HealthUnreachable && !s.Live(id) {
			out[id] = true
		}
	}
	return out
}

// LeavingNodes returns the nodes for which Leaving is true.
func (s *State) LeavingNodes() map[mesh.NodeID]bool {
	out := make(map[mesh.NodeID]bool)
	for id, p := range s.peers.all() {
		if id != s.node && (p.isDraining() || inMaintenance(p.phaseNow())) {
			out[id] = true
		}
	}
	if s.GivesUpReplicas() {
		out[s.node] = true
	}
	return out
}

// Leaving reports whether a node hands its replicas to others: it is draining, entering
// maintenance, in it, or its drain has failed.
func (s *State) Leaving(n mesh.NodeID) bool {
	if n == s.node {
		return s.GivesUpReplicas()
	}
	p := s.peers.get(n)
	return p != nil && (p.isDraining() || inMaintenance(p.phaseNow()))
}

// GivesUpReplicas reports whether this node hands its replicas to others.
func (s *State) GivesUpReplicas() bool { return s.local.draining || inMaintenance(s.local.phase) }

// InMaintenance reports whether a node is in maintenance, entering it, or its drain has
// failed.
func (s *State) InMaintenance(n mesh.NodeID) bool {
	if n == s.node {
		return inMaintenance(s.local.phase)
	}
	p := s.peers.get(n)
	return p != nil && inMaintenance(p.phaseNow())
}

func inMaintenance(p mesh.MaintenancePhase) bool {
	return p == mesh.PhaseEntering || p == mesh.PhaseMaintenance || p == mesh.PhaseDrainFailed
}

// Active reports whether this node is in the phase Active.
func (s *State) Active() bool { return s.local.phase == mesh.PhaseActive }

// MayPull reports whether this node may pull replicas.
func (s *State) MayPull() bool { return s.Active() && !s.Evacuating() }

// MayHost reports whether a replica may be placed on a node: it is not this node, and not
// cordoned, avoided, unreachable, full or in a phase other than Active.
func (s *State) MayHost(n mesh.NodeID) bool {
	if n == s.node || s.Avoids(n) {
		return false
	}
	p := s.peers.get(n)
	return p == nil || !p.barred()
}

func (p *peer) barred() bool {
	phase := p.phaseNow()
	return p.isCordoned() || p.health == mesh.HealthUnreachable || p.full() ||
		(phase != mesh.PhaseUnknown && phase != mesh.PhaseActive)
}

// BarredNodes returns the nodes on which no replica may be placed, ascending.
func (s *State) BarredNodes() []mesh.NodeID {
	out := []mesh.NodeID{s.node}
	for id, p := range s.peers.all() {
		if id != s.node && p.barred() {
			out = append(out, id)
		}
	}
	for id := range s.avoid.all() {
		out = append(out, id)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// HasSource reports whether there is a holder to pull a chain from.
func (s *State) HasSource(c Chain) bool {
	return slices.ContainsFunc(c.Holders, func(n mesh.NodeID) bool { return n != s.node && s.Live(n) })
}

// NearestHolder returns the holder to pull a chain from: a live one, preferring those that
// are not avoided, then the lowest RTT (an unknown one last), then the lowest id. ok is
// false if there is none.
func (s *State) NearestHolder(c Chain) (n mesh.NodeID, ok bool) {
	type candidate struct {
		id      mesh.NodeID
		avoided bool
		unknown bool
		rtt     time.Duration
	}
	var all []candidate
	for _, id := range c.Holders {
		if id == s.node || !s.Live(id) {
			continue
		}
		k := candidate{id: id, avoided: s.Avoids(id), unknown: true}
		if p := s.peers.get(id); p != nil && p.hasRTT {
			k.unknown, k.rtt = false, p.rtt
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		return 0, false
	}
	best := slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(falseFirst(a.avoided, b.avoided), falseFirst(a.unknown, b.unknown), cmp.Compare(a.rtt, b.rtt), cmp.Compare(a.id, b.id))
	})
	return best.id, true
}

// falseFirst orders false before true.
func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
