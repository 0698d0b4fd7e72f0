package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Wanted is how many live holders nothing may take a chain under: what is
// wished, and never none.
func (c Chain) Wanted() int { return max(1, int(c.Desired)) }

// LiveHolders lists the holders of a chain that count as holding it: the live
// ones, without those that it is being taken from.
func (s *State) LiveHolders(c Chain) []mesh.NodeID {
	var out []mesh.NodeID
	going := s.goingFrom(c.ID)
	for _, n := range c.Holders {
		if s.Live(n) && !slices.Contains(going, n) {
			out = append(out, n)
		}
	}
	return out
}

// goingFrom lists the holders that a chain is being taken from right now.
func (s *State) goingFrom(id mesh.ChainID) []mesh.NodeID {
	var out []mesh.NodeID
	for _, key := range takingKeys(id) {
		if e := s.ledger.entries[key]; e != nil {
			if _, n, ok := s.takes(e); ok {
				out = append(out, n)
			}
		}
	}
	return out
}

// takingKeys are the keys of what can take a chain from a holder.
func takingKeys(id mesh.ChainID) [2]mesh.ActionKey {
	return [2]mesh.ActionKey{mesh.RequestEviction{Chain: id}.Key(), mesh.DropReplica{Chain: id}.Key()}
}

// taking notes that a chain's removals have to be looked at by heardGone.
func (s *State) taking(id mesh.ChainID) {
	if c := s.chains.get(id); c != nil {
		c.taken = true
	}
}

// heardGone notes that a holder gave a chain up, for what is taking it from there.
func (s *State) heardGone(id mesh.ChainID, holder mesh.NodeID) {
	for _, key := range takingKeys(id) {
		if e := s.ledger.entries[key]; e != nil {
			if _, n, ok := s.takes(e); ok && n == holder {
				e.gone = true
			}
		}
	}
}

// Going lists, by chain, the holders that it is being taken from right now.
func (s *State) Going() map[mesh.ChainID][]mesh.NodeID {
	out := make(map[mesh.ChainID][]mesh.NodeID)
	for _, e := range s.ledger.entries {
		if id, n, ok := s.takes(e); ok {
			out[id] = append(out[id], n)
		}
	}
	return out
}

// takes gives the holder that a drop or an eviction is taking a chain from: one
// that was handed out and has not ended, or that ended well a moment ago while the
// holder was not heard to be gone.
func (s *State) takes(e *ledgerEntry) (id mesh.ChainID, n mesh.NodeID, ok bool) {
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
		return id, n, s.now < e.until && !e.gone
	}
	return 0, 0, false
}

// NotLive gives the nodes that do not count as holders.
func (s *State) NotLive() map[mesh.NodeID]bool {
	out := make(map[mesh.NodeID]bool)
	for id, p := range s.peers.all() {
		if p.health == mesh.HealthUnreachable && !s.Live(id) {
			out[id] = true
		}
	}
	return out
}

// LeavingNodes gives the nodes of which Leaving is true.
func (s *State) LeavingNodes() map[mesh.NodeID]bool {
	out := make(map[mesh.NodeID]bool)
	for id, p := range s.peers.all() {
		if id != s.node && (p.draining || inMaintenance(p.phase)) {
			out[id] = true
		}
	}
	if s.GivesUpReplicas() {
		out[s.node] = true
	}
	return out
}

// Leaving says whether a node gives up what it holds: it is draining, entering
// maintenance, in it or drain-failed.
func (s *State) Leaving(n mesh.NodeID) bool {
	if n == s.node {
		return s.GivesUpReplicas()
	}
	p := s.peers.get(n)
	return p != nil && (p.draining || inMaintenance(p.phase))
}

// GivesUpReplicas says whether this node hands its replicas to others.
func (s *State) GivesUpReplicas() bool { return s.local.draining || inMaintenance(s.local.phase) }

// InMaintenance says whether a node is in maintenance, on its way there, or stuck
// on it.
func (s *State) InMaintenance(n mesh.NodeID) bool {
	if n == s.node {
		return inMaintenance(s.local.phase)
	}
	p := s.peers.get(n)
	return p != nil && inMaintenance(p.phase)
}

func inMaintenance(p mesh.MaintenancePhase) bool {
	return p == mesh.PhaseEntering || p == mesh.PhaseMaintenance || p == mesh.PhaseDrainFailed
}

// Active says whether this node takes part in placing: it is in no phase of
// maintenance.
func (s *State) Active() bool { return s.local.phase == mesh.PhaseActive }

// Pulls says whether this node may take replicas on.
func (s *State) Pulls() bool { return s.Active() && !s.Evacuating() }

// MayHost says whether a node may be given a replica: it is not cordoned, avoided,
// unreachable, or in a phase other than Active, and not this node.
func (s *State) MayHost(n mesh.NodeID) bool {
	if n == s.node || s.Avoids(n) {
		return false
	}
	p := s.peers.get(n)
	return p == nil || !p.barred()
}

func (p *peer) barred() bool {
	return p.cordoned || p.health == mesh.HealthUnreachable ||
		(p.phase != mesh.PhaseUnknown && p.phase != mesh.PhaseActive)
}

// NotHosts lists the nodes that may not be given a replica, ascending.
func (s *State) NotHosts() []mesh.NodeID {
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

// NearestHolder picks whom to pull a chain from: a live holder, not avoided before
// avoided, by RTT, unknown last, by id. ok is false when there is none.
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
		return cmp.Or(compareBool(a.avoided, b.avoided), compareBool(a.unknown, b.unknown), cmp.Compare(a.rtt, b.rtt), cmp.Compare(a.id, b.id))
	})
	return best.id, true
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
