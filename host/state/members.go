package state

import (
	"maps"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Member is what the mesh says of another node that belongs to it.
type Member struct {
	Seed    bool
	Gone    bool // it has no session
	Orderly bool // with Gone: it said so itself
	Silent  bool // it has one, and should have been heard of since HeardAt
	Heard   bool
	HeardAt mesh.Time     // when it was heard of last; meaningful with Heard
	Summary *mesh.Summary // nil if it never said anything of itself; must not be written to
	Address string
	Health  string // its health target
}

// member is what the mesh says of a peer. It is replaced, never changed: snapshots have it.
type member struct {
	Member
	name string
}

// meshProbe is the probe in whose name the facts are kept that nodes say of themselves.
const meshProbe probe = 0

// membership is what the members say together of who can be reached.
type membership struct {
	alive   int                 // members with a session
	accused map[mesh.NodeID]int // by how many of them a node can't be reached

	spread   int           // how many chains are spread over a label
	targets  uint64        // grows when Targets or labels change
	listed   []mesh.NodeID // Targets, as of the version listedAt
	listedAt uint64
}

// applyAnnounced folds what the mesh says of other nodes.
func (s *State) applyAnnounced(in mesh.PeersAnnounced) {
	s.leading.stale = true
	before, doubted := s.members.alive, make(map[mesh.NodeID]bool)
	for _, a := range in.Peers {
		if a.ID != s.node {
			s.announce(a, doubted)
		}
	}
	for _, id := range slices.Sorted(slices.Values(in.Expelled)) {
		s.expel(id, doubted)
	}
	if s.members.alive != before { // then a majority of them is another number
		for id, p := range s.peers.all() {
			if p.health == mesh.HealthUnreachable {
				doubted[id] = true
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(doubted)) {
		s.peers.edit(id)
	}
}

// announce folds what the mesh says of one node.
func (s *State) announce(a mesh.Announced, doubted map[mesh.NodeID]bool) {
	p := s.peers.ensure(a.ID)
	s.uncount(p, doubted)
	next := &member{name: a.Name, Member: Member{
		Seed: a.Seed, Gone: a.Gone, Orderly: a.Orderly, Silent: a.Silent, Summary: a.Summary, Address: a.Address, Health: a.Health,
	}}
	if a.Heard != nil {
		next.Heard, next.HeardAt = true, s.now.Add(-*a.Heard)
	}
	known := p.member
	p.member = next
	s.count(p, doubted)
	if !p.configured {
		p.name = a.Name
	}
	if known == nil || known.Gone != next.Gone || !slices.Equal(known.labels(), next.labels()) {
		s.members.targets++
	}
	switch {
	case a.Summary != nil && (known == nil || known.Summary != a.Summary || known.Gone != a.Gone):
		s.announceFacts(a, p, known)
	case known != nil && known.Gone != a.Gone:
		p.inventory.keep(meshProbe, !a.Gone, s.now)
	}
}

// announceFacts takes over the inventory that a node says of itself. It counts for as long as
// the node has a session, and for the time of every probe's facts after that.
func (s *State) announceFacts(a mesh.Announced, p *peer, known *member) {
	if known == nil || known.Summary != a.Summary {
		if a.Summary.Inventory == nil {
			p.inventory.without(meshProbe)
		} else {
			s.answers++
			in := *a.Summary.Inventory
			in.Node = a.ID
			if a.Heard != nil {
				for f := range in.Ages {
					in.Ages[f] += *a.Heard
				}
			}
			p.editInventory().take(in, origin{probed: true, probe: meshProbe, answer: s.answers, at: s.now}, true)
		}
	}
	p.inventory.keep(meshProbe, !a.Gone, s.now)
	p.inventory.combine()
}

// expel forgets a node that belongs to the mesh no more, unless the configuration names it.
func (s *State) expel(id mesh.NodeID, doubted map[mesh.NodeID]bool) {
	p := s.peers.edit(id)
	if p == nil || p.member == nil {
		return
	}
	s.uncount(p, doubted)
	p.member = nil
	s.members.targets++
	if p.configured {
		p.inventory.without(meshProbe)
		p.inventory.combine()
		return
	}
	delete(doubted, id)
	s.forgetPeer(id, "the node was expelled from the mesh")
	s.forgetHoldings(map[mesh.NodeID]bool{id: true})
}

// forgetPeer forgets all that is known of a peer but its replicas.
func (s *State) forgetPeer(id mesh.NodeID, why string) {
	s.removePeer(id)
	s.withdraw(mesh.MarkAvoid{Peer: id}.Key(), why)
	s.avoid.remove(id)
}

// count counts what a member with a session says of others, and uncount takes that back. Both
// note who is doubted otherwise than before.
func (s *State) count(p *peer, doubted map[mesh.NodeID]bool) { s.addWord(p, 1, doubted) }

func (s *State) uncount(p *peer, doubted map[mesh.NodeID]bool) { s.addWord(p, -1, doubted) }

func (s *State) addWord(p *peer, n int, doubted map[mesh.NodeID]bool) {
	if p.member == nil || p.member.Gone {
		return
	}
	s.members.alive += n
	if p.member.Summary == nil {
		return
	}
	for _, id := range p.member.Summary.Unreachable {
		if s.members.accused[id] += n; s.members.accused[id] == 0 {
			delete(s.members.accused, id)
		}
		doubted[id] = true
	}
}

// Sessions returns how many other members have a session.
func (s *State) Sessions() int { return s.members.alive }

// FromHere reports whether only this node can't reach a peer: it has a session, and most of the
// others can reach it.
func (s *State) FromHere(id mesh.NodeID) bool {
	p := s.peers.get(id)
	return p != nil && s.fromHere(id, p)
}

func (s *State) fromHere(id mesh.NodeID, p *peer) bool {
	if p.health != mesh.HealthUnreachable || p.member == nil || p.member.Gone {
		return false
	}
	others := s.members.alive - 1
	return others > 0 && 2*s.members.accused[id] < others
}

// Doubters returns how many of the other members can't reach a peer, and how many there are.
func (s *State) Doubters(id mesh.NodeID) (n, of int) {
	of = s.members.alive
	if p := s.peers.get(id); p != nil && p.member != nil && !p.member.Gone {
		of--
	}
	return s.members.accused[id], of
}

// says reports whether a member said how it is. It did not if all that is known of it is what was
// kept over a restart of this node.
func (m *member) says() bool { return m.Summary != nil && m.Summary.Phase != mesh.PhaseUnknown }

// ownWord returns what a node says of itself, if that counts: not while it has not folded the
// last order of the mesh about itself.
func (p *peer) ownWord() *mesh.Summary {
	if p.member == nil || !p.member.says() || p.member.Summary.Height < p.orderedAt {
		return nil
	}
	return p.member.Summary
}

// noteOrder notes an order of the mesh about a node.
func (p *peer) noteOrder(o Origin) {
	if o.Mesh {
		p.orderedAt = max(p.orderedAt, o.Height)
	}
}

// phaseNow returns the phase of another node: what it says itself, or else what was ordered or
// observed.
func (p *peer) phaseNow() mesh.MaintenancePhase {
	if w := p.ownWord(); w != nil {
		return w.Phase
	}
	return p.phase
}

// isCordoned reports whether a node is cordoned: by its own word or by an order. An order of
// this node's own door is about this node's own placing, so the other's word does not end it.
func (p *peer) isCordoned() bool {
	if w := p.ownWord(); w != nil {
		return w.Cordoned || p.cordoned && !p.orderedBy().Mesh
	}
	return p.cordoned
}

// isDraining is isCordoned of a drain.
func (p *peer) isDraining() bool {
	if w := p.ownWord(); w != nil {
		return w.Draining || p.draining && !p.orderedBy().Mesh
	}
	return p.draining
}

// full reports whether a node says that it holds as many chains as it may.
func (p *peer) full() bool {
	w := p.ownWord()
	return w != nil && w.ChainsMost > 0 && w.ChainsHeld >= w.ChainsMost
}

// Targets returns the members that may be given replicas now, ascending: those with a session
// that said how they are. It must not be written to.
func (s *State) Targets() []mesh.NodeID {
	m := &s.members
	if m.listed == nil || m.listedAt != m.targets {
		m.listed, m.listedAt = []mesh.NodeID{}, m.targets
		for id, p := range s.peers.all() {
			if p.member != nil && !p.member.Gone && p.member.says() && s.nodes.of[id]&(factAvoided|factBarred) == 0 && id != s.node {
				m.listed = append(m.listed, id)
			}
		}
	}
	return m.listed
}

// labels returns what a member says of its labels.
func (m *member) labels() []mesh.Label {
	if m.Summary == nil {
		return nil
	}
	return m.Summary.Labels
}

// Labels returns the labels of a node; they must not be written to.
func (s *State) Labels(id mesh.NodeID) []mesh.Label {
	if id == s.node {
		return s.configured.Labels
	}
	if p := s.peers.get(id); p != nil && p.member != nil {
		return p.member.labels()
	}
	return nil
}
