package snapshot

import (
	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func (b *Builder) updatePeers(s *state.State, t marks.Touched[mesh.NodeID]) {
	echoes := t.All
	if t.All {
		n := 0
		for p := range s.Peers() {
			b.updatePeer(s, p)
			n++
		}
		if _, shown := b.peers.Now().Get(s.Node()); !shown {
			n-- // perhaps this node is known, and not shown
		}
		known := func(id mesh.NodeID) bool { _, ok := s.Peer(id); return ok }
		retain(b.peers, n, known)
		retain(b.nodeOrders, 0, known)
	}
	for _, id := range t.IDs {
		echoes = b.peerTouched(s, id) || echoes
	}
	b.peerTouched(s, s.Node()) // its name and phase are not those of a peer
	if echoes {
		b.cutOff = cutOff(s)
	}
}

// peerTouched makes the entry of a node anew. It reports whether what locality probes say of
// it in a word changed.
func (b *Builder) peerTouched(s *state.State, id mesh.NodeID) (echo bool) {
	p, ok := s.Peer(id)
	if !ok {
		b.nodeOrders.Delete(id)
		return b.peers.Delete(id)
	}
	return b.updatePeer(s, p)
}

func (b *Builder) updatePeer(s *state.State, p state.Peer) (echo bool) {
	if p.Ordered || b.nodeOrders.Len() > 0 {
		o, ordered := s.NodeOrder(p.ID)
		set(b.nodeOrders, p.ID, &o, ordered, sameNodeOrder)
	}
	if p.ID == s.Node() && p.Inventory == nil {
		b.peers.Delete(p.ID)
		return false
	}
	v := &b.next.peer
	*v = Peer{
		Node: p.ID, Name: p.Name, RTT: p.RTT, HasRTT: p.HasRTT, Health: p.Health, HealthReason: p.HealthReason, HealthFamily: p.HealthFamily,
		Maintenance: p.Phase, Cordoned: p.Cordoned, Echo: p.Echo, Echoes: p.Echoes,
		HealthSince: markIf(p.HealthSince, p.Health != mesh.HealthUnknown),
		EchoSince:   markIf(p.EchoSince, p.Echo != state.EchoUnknown),
		Draining:    p.Draining, Member: p.Member, FromHere: p.FromHere, OwnWord: p.OwnWord,
		Inventory: p.Inventory, Measured: p.Measured,
	}
	if !v.HasRTT {
		v.RTT = 0
	}
	echo = v.Echo != EchoUnknown
	b.peers.Update(p.ID, v, func(was, v *Peer) bool {
		echo = was.Echo != v.Echo || was.EchoSince != v.EchoSince
		return *was == *v
	})
	return echo
}

func cutOff(s *state.State) *CutOff {
	c, cut := s.CutOff()
	if !cut {
		return nil
	}
	return &CutOff{Lost: c.Lost, Peers: c.Peers, Since: c.Since}
}

func sameNodeOrder(a, b *state.NodeOrder) bool {
	return a.Node == b.Node && a.Peer == b.Peer && a.Cordoned == b.Cordoned && a.Draining == b.Draining &&
		a.Phase == b.Phase && sameOrder(&a.By, &b.By)
}

func (b *Builder) updateAvoidList(s *state.State, t marks.Touched[mesh.NodeID]) {
	if t.All {
		seen := make(map[mesh.NodeID]bool)
		for id, a := range s.AvoidList() {
			seen[id] = true
			b.updateAvoided(id, a, true)
		}
		retain(b.avoid, len(seen), func(id mesh.NodeID) bool { return seen[id] })
	}
	for _, id := range t.IDs {
		a, ok := s.Avoided(id)
		b.updateAvoided(id, a, ok)
	}
}

func (b *Builder) updateAvoided(id mesh.NodeID, a state.Avoided, ok bool) {
	set(b.avoid, id, &Avoid{Peer: id, Reason: a.Reason, Until: a.Until}, ok, func(a, b *Avoid) bool { return *a == *b })
}
