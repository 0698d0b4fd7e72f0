package state

import (
	"fmt"
	"iter"
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// Peer is what is known about one node. This node itself has no RTT and no health.
type Peer struct {
	ID     mesh.NodeID
	Name   string // from the configuration; "" if it is not configured
	RTT    time.Duration
	HasRTT bool
	// Reported is an RTT that came as an event and that no pass has judged yet. It stays
	// if a probe measures the peer in between.
	Reported    time.Duration
	HasReported bool
	Probed      bool // RTT is what a probe measured; else it came as an event
	Echoes      mesh.Echoes
	Echo        EchoState
	EchoSince   mesh.Time // meaningful while Echo is known
	// Worst is the measurement that Echo comes from, WorstUnanswered in how many rounds in a
	// row its probe got no answer, and BadFor for how long it has found the peer too slow or
	// too much lost.
	Worst           mesh.RTTSample
	WorstUnanswered uint32
	BadFor          time.Duration
	Ordered         bool // an order about it is in force, see NodeOrder
	Health          mesh.NodeHealth
	HealthReason    string
	HealthFamily    mesh.Family // by which it was checked
	HealthSince     mesh.Time   // meaningful while Health is known
	Phase           mesh.MaintenancePhase
	Cordoned        bool
	Draining        bool // of another node
	// Member is what the mesh says of it; nil if it is no member. It must not be written to.
	Member   *Member
	OwnWord  bool // Phase, Cordoned and Draining are what it says itself
	FromHere bool // only this node can't reach it
	// OrderedAt is the height of the last order of the mesh about it.
	OrderedAt uint64
	Inventory *mesh.Inventory // must not be written to; nil for none
	// Measured is when each fact of the inventory was measured; it is nil without one. It must
	// not be written to.
	Measured *[mesh.Facts]mesh.Time

	full bool
}

// Full reports whether the node says that it holds as many chains as it may.
func (p *Peer) Full() bool { return p.full }

// peer is kept small, since there may be very many: what the others need not have is behind
// pointers.
type peer struct {
	marks.Set
	configured   bool
	hasRTT       bool
	hasReported  bool
	answered     bool // it has answered a locality probe before
	lost         bool // at the last tick it had been unreachable for the grace
	phaseOrdered bool // a command led to the phase of another node, and nothing was observed since
	cordoned     bool
	draining     bool      // of another node: until it is uncordoned or enters maintenance
	echo         EchoState // as of the last tick, like echoSince and worst
	worst        uint8     // index of the path that echo comes from
	health       mesh.NodeHealth
	healthFamily mesh.Family
	phase        mesh.MaintenancePhase

	queued mesh.Time // when it is due, or earlier; 0 if it is not
	name   string

	rtt       time.Duration
	rttFrom   origin
	reported  time.Duration
	echoing   *echoing // nil if nothing is said of its echoes
	echoSince mesh.Time

	healthReason string
	verdicts     []verdict // that health, healthReason and healthFamily come from
	healthSince  mesh.Time // when health last changed

	cordonedBy *Origin    // meaningful while it is cordoned or draining; never written to
	orderedAt  uint64     // height of the last order of the mesh about it
	member     *member    // nil if it is no member of the mesh
	inventory  *inventory // nil if it never had one
}

// echoing is what is said of the echoes of a peer.
type echoing struct {
	echoes mesh.Echoes
	from   origin
	paths  []path // what locality probes measured, one for each probe
}

// said returns it for reading.
func (p *peer) said() (e mesh.Echoes, paths []path) {
	if p.echoing == nil {
		return e, nil
	}
	return p.echoing.echoes, p.echoing.paths
}

// editEchoing returns it for writing.
func (p *peer) editEchoing() *echoing {
	if p.echoing == nil {
		p.echoing = new(echoing)
	}
	return p.echoing
}

// orderedBy returns the order of the cordon or drain of a peer.
func (p *peer) orderedBy() Origin {
	if p.cordonedBy == nil {
		return Origin{}
	}
	return *p.cordonedBy
}

// Peers yields all nodes about which something is known, by id.
func (s *State) Peers() iter.Seq[Peer] {
	return func(yield func(Peer) bool) {
		for id, p := range s.peers.all() {
			if !yield(s.peerView(id, p)) {
				return
			}
		}
	}
}

// Peer returns one node; ok is false if nothing is known about it.
func (s *State) Peer(id mesh.NodeID) (p Peer, ok bool) {
	if e := s.peers.get(id); e != nil {
		return s.peerView(id, e), true
	}
	return Peer{}, false
}

func (s *State) peerView(id mesh.NodeID, p *peer) Peer {
	v := Peer{
		ID: id, Name: p.name,
		RTT: p.rtt, HasRTT: p.hasRTT, Probed: p.rttFrom.probed, Reported: p.reported, HasReported: p.hasReported,
		Echo: p.echo, EchoSince: p.echoSince,
		Health: p.health, HealthReason: p.healthReason, HealthFamily: p.healthFamily, HealthSince: p.healthSince,
		Phase: p.phaseNow(), Cordoned: p.isCordoned(), Draining: p.isDraining(), FromHere: s.fromHere(id, p),
	}
	var paths []path
	if v.Echoes, paths = p.said(); int(p.worst) < len(paths) {
		m := &paths[p.worst]
		v.Worst, v.WorstUnanswered, v.BadFor = m.sample, m.unanswered, m.bad.last.Sub(m.bad.since)
	}
	if p.inventory != nil {
		v.Inventory, v.Measured = p.inventory.facts, p.inventory.measured
	}
	if p.member != nil {
		v.Member = &p.member.Member
		v.OwnWord, v.OrderedAt, v.full = p.ownWord() != nil, p.orderedAt, p.full()
	}
	v.Ordered = p.cordoned || p.draining || p.phaseOrdered
	if id == s.node {
		// Taken from the local machine, so that the two cannot disagree.
		v.Name, v.Phase = s.local.name, s.local.phase
	}
	return v
}

// label returns a node for people: "2 (mirror)".
func label(id mesh.NodeID, name string) string {
	if name == "" {
		return fmt.Sprint(id)
	}
	return fmt.Sprintf("%d (%s)", id, name)
}

// Live reports whether a holder counts as one: it does unless it has been unreachable for
// the grace, and not from here alone. A holder about which nothing is known is live.
func (s *State) Live(n mesh.NodeID) bool {
	p := s.peers.get(n)
	return p == nil || p.health != mesh.HealthUnreachable ||
		s.now.Sub(p.healthSince) < s.policy.UnreachableGrace || s.fromHere(n, p)
}

// sweepPeer forgets a peer about which nothing is known any more, and reports whether it did.
func (s *State) sweepPeer(id mesh.NodeID, p *peer) (gone bool) {
	gone = !p.configured && p.member == nil && !p.lost && !p.hasRTT && p.echoing == nil &&
		p.health == mesh.HealthUnknown &&
		p.phase == mesh.PhaseUnknown && !p.cordoned && !p.inventory.known()
	if gone {
		s.removePeer(id)
	}
	return gone
}

func (s *State) removePeer(id mesh.NodeID) {
	s.judged++
	s.peers.remove(id)
}
