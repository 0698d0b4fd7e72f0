package state

import (
	"iter"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Peer is what is known of one node. This node itself has no RTT and no health.
type Peer struct {
	ID     mesh.NodeID
	Name   string // from the configuration, empty for others
	RTT    time.Duration
	HasRTT bool
	// Reported is an RTT that came as an event and that no pass has judged yet. A
	// probe that measures the peer in between does not make it unheard.
	Reported    time.Duration
	HasReported bool
	Health      mesh.NodeHealth
	Phase       mesh.MaintenancePhase // PhaseUnknown for one nobody told
	Cordoned    bool
	Inventory   *mesh.Inventory // not to be written to; nil for none
}

type peer struct {
	name       string
	configured bool

	rtt         time.Duration
	hasRTT      bool
	rttProbed   bool // from a probe, so it goes when it is not renewed
	rttAt       mesh.Time
	reported    time.Duration
	hasReported bool

	health           mesh.NodeHealth
	healthProbed     bool
	healthAt         mesh.Time
	unreachableSince mesh.Time // meaningful while unreachable

	lost bool // it was unreachable for the grace at the last tick

	phase     mesh.MaintenancePhase
	cordoned  bool
	draining  bool // another node's drain; ended by an uncordon or by maintenance
	inventory *mesh.Inventory
	// owners are the probes that reported the inventory; true once the probe
	// answered without this peer.
	owners map[string]bool
}

// Peers walks all nodes of which something is known, by id.
func (s *State) Peers() iter.Seq[Peer] {
	return func(yield func(Peer) bool) {
		for id, p := range s.peers.all() {
			if !yield(s.peerView(id, p)) {
				return
			}
		}
	}
}

// Peer gives one node; ok is false for one of which nothing is known.
func (s *State) Peer(id mesh.NodeID) (p Peer, ok bool) {
	if e := s.peers.get(id); e != nil {
		return s.peerView(id, e), true
	}
	return Peer{}, false
}

func (s *State) peerView(id mesh.NodeID, p *peer) Peer {
	v := Peer{
		ID: id, Name: p.name,
		RTT: p.rtt, HasRTT: p.hasRTT, Reported: p.reported, HasReported: p.hasReported,
		Health: p.health, Phase: p.phase, Cordoned: p.cordoned, Inventory: p.inventory,
	}
	if id == s.node {
		// Derived, so it can't disagree with the local machine.
		v.Name, v.Phase = s.local.name, s.local.phase
	}
	return v
}

// Live says whether a holder counts as one: unless it has been unreachable for
// the grace. One of which nothing is known is live.
func (s *State) Live(n mesh.NodeID) bool {
	p := s.peers.get(n)
	return p == nil || p.health != mesh.HealthUnreachable ||
		s.now.Sub(p.unreachableSince) < s.policy.UnreachableGrace
}

func (s *State) rttHeard(ev mesh.RTTSample) {
	if ev.Peer == s.node {
		return
	}
	p := s.peers.ensure(ev.Peer)
	p.rtt, p.hasRTT, p.rttProbed, p.rttAt = ev.RTT, true, false, s.now
	p.reported, p.hasReported = ev.RTT, true
}

func (s *State) healthSeen(ev mesh.HealthSample, probed bool) {
	if ev.Peer == s.node {
		return
	}
	p := s.peers.ensure(ev.Peer)
	if ev.Health == mesh.HealthUnreachable && p.health != mesh.HealthUnreachable {
		p.unreachableSince = s.now
	}
	p.health, p.healthProbed, p.healthAt = ev.Health, probed, s.now
}

// sampled folds what one probe answered. A failed poll changes nothing: what the
// probe said before stays until its time is over.
func (s *State) sampled(in mesh.Samples) {
	if in.Err != "" {
		return
	}
	for _, r := range in.RTT {
		if r.Peer == s.node {
			continue
		}
		p := s.peers.ensure(r.Peer)
		p.rtt, p.hasRTT, p.rttProbed, p.rttAt = r.RTT, true, true, s.now
	}
	for _, h := range in.Health {
		s.healthSeen(h, true)
	}
	s.inventoried(in.Probe, in.Inventory)
}

// inventoried merges what a probe knows axis by axis, and drops the inventory of
// those peers that every probe which reported them now answers without.
func (s *State) inventoried(probe string, invs []mesh.Inventory) {
	if len(invs) == 0 {
		return // an empty answer is no evidence that anybody left
	}
	reported := make(map[mesh.NodeID]bool, len(invs))
	for _, inv := range invs {
		p := s.peers.ensure(inv.Node)
		p.inventory = merge(p.inventory, inv)
		if p.owners == nil {
			p.owners = make(map[string]bool, 1)
		}
		p.owners[probe] = false
		reported[inv.Node] = true
	}
	for id, p := range s.peers.all() {
		if _, owner := p.owners[probe]; !owner || reported[id] {
			continue
		}
		p.owners[probe] = true
		if p.disowned() {
			p.inventory, p.owners = nil, nil
			s.sweepPeer(id, p)
		}
	}
}

// disowned says whether every probe that reported the peer now answers without it.
func (p *peer) disowned() bool {
	for _, without := range p.owners {
		if !without {
			return false
		}
	}
	return true
}

// merge gives a new inventory: what the newer one says, and for the rest the older.
func merge(old *mesh.Inventory, inv mesh.Inventory) *mesh.Inventory {
	out := inv
	out.Capabilities = slices.Compact(slices.Sorted(slices.Values(inv.Capabilities)))
	if old == nil {
		return &out
	}
	keep(&out.CPULoad1m, old.CPULoad1m)
	keep(&out.MemUsedBytes, old.MemUsedBytes)
	keep(&out.MemTotalBytes, old.MemTotalBytes)
	keep(&out.DiskUsedBytes, old.DiskUsedBytes)
	keep(&out.DiskTotalBytes, old.DiskTotalBytes)
	keep(&out.SaturationTrend, old.SaturationTrend)
	keep(&out.SoftwareVersion, old.SoftwareVersion)
	keep(&out.ForkedFrom, old.ForkedFrom)
	if len(out.Capabilities) == 0 {
		out.Capabilities = old.Capabilities
	}
	return &out
}

func keep[T any](axis **T, old *T) {
	if *axis == nil {
		*axis = old
	}
}

// expireSamples drops what probes said and did not renew.
func (s *State) expireSamples() {
	for id, p := range s.peers.all() {
		over := false
		if p.hasRTT && p.rttProbed && s.now.Sub(p.rttAt) >= s.policy.SampleTTL {
			p.rtt, p.hasRTT, over = 0, false, true
		}
		if p.health != mesh.HealthUnknown && p.healthProbed && s.now.Sub(p.healthAt) >= s.policy.SampleTTL {
			p.health, over = mesh.HealthUnknown, true
		}
		if over {
			s.sweepPeer(id, p)
		}
	}
}

// sweepPeer forgets a peer of which nothing is left.
func (s *State) sweepPeer(id mesh.NodeID, p *peer) {
	if !p.configured && !p.lost && !p.hasRTT && p.health == mesh.HealthUnknown &&
		p.phase == mesh.PhaseUnknown && !p.cordoned && p.inventory == nil {
		s.peers.remove(id)
	}
}
