package state

import "github.com/meshos/meshos/host/mesh"

// configure takes over the peers, chains and daemons of the configuration. It sets only
// what changed since the last time: an intent that an event has changed meanwhile stays,
// unless the configuration changed it too.
func (s *State) configure(next mesh.Configured) {
	s.configurePeers(next.Peers)
	s.configureChains(next.Chains)
	s.configureDaemons(next.Daemons)
	s.configured = next
}

func (s *State) configurePeers(next []mesh.ConfiguredPeer) {
	keep := make(map[mesh.NodeID]bool, len(next))
	for _, c := range next {
		keep[c.ID] = true
		p := s.peers.ensure(c.ID)
		p.configured, p.name = true, c.Name
	}
	gone := make(map[mesh.NodeID]bool)
	for _, c := range s.configured.Peers {
		if keep[c.ID] {
			continue
		}
		s.peers.remove(c.ID)
		s.withdraw(mesh.MarkAvoid{Peer: c.ID}.Key(), "the peer was taken out of the configuration")
		s.avoid.remove(c.ID)
		gone[c.ID] = true
	}
	delete(gone, s.node)
	if len(gone) > 0 {
		s.forgetHoldings(gone)
	}
}

// forgetHoldings forgets what nodes hold and lead, and the moves to them. Their health is
// forgotten too, and holders without a known health would count as live.
func (s *State) forgetHoldings(gone map[mesh.NodeID]bool) {
	s.forgetScores(gone)
	for id, c := range s.chains.all() {
		if gone[c.leader] {
			c.elect(0)
			s.noteIfEmpty(id)
		}
		for _, n := range c.holders {
			if gone[n] {
				s.dropHolder(id, n)
			}
		}
	}
	for id, b := range s.blobs.all() {
		for _, n := range b.holders {
			if gone[n] {
				s.dropBlob(id, n)
			}
		}
	}
	for id, r := range s.rebalances.all() {
		if gone[r.Target] {
			s.rebalances.remove(id)
		}
	}
}

func (s *State) configureChains(next []mesh.ConfiguredChain) {
	before := make(map[mesh.ChainID]mesh.ConfiguredChain, len(s.configured.Chains))
	for _, c := range s.configured.Chains {
		before[c.ID] = c
	}
	for _, c := range next {
		old := before[c.ID]
		delete(before, c.ID)
		e := s.chains.ensure(c.ID)
		e.configured = true
		e.configure(old, c)
	}
	for id, old := range before {
		if e := s.chains.get(id); e != nil {
			e.configured = false
			e.configure(old, mesh.ConfiguredChain{ID: id})
			s.noteIfEmpty(id)
		}
	}
}

// configure takes over the intents that changed. It does not remove one that is not from
// the configuration.
func (c *chain) configure(old, next mesh.ConfiguredChain) {
	if !sameCount(old.Replicas, next.Replicas) {
		c.desired, c.hasDesired = 0, false
		if next.Replicas != nil {
			c.setDesired(*next.Replicas)
		}
	}
	if old.Hold != next.Hold {
		c.hold = next.Hold
	}
}

func sameCount(a, b *uint32) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func (s *State) configureDaemons(next []mesh.ConfiguredDaemon) {
	before := make(map[mesh.DaemonID]mesh.ConfiguredDaemon, len(s.configured.Daemons))
	for _, c := range s.configured.Daemons {
		before[c.Daemon.ID] = c
	}
	for _, c := range next {
		old, known := before[c.Daemon.ID]
		delete(before, c.Daemon.ID)
		d := s.ensureDaemon(c.Daemon)
		d.configured, d.Essential = true, c.Essential
		if !known || old.Run != c.Run {
			d.Intent = mesh.IntentStop
			if c.Run {
				d.Intent = mesh.IntentRun
			}
		}
		if !known || old.Node != c.Node {
			d.Pin = c.Node
		}
	}
	for id := range before {
		// Its command is gone with the configuration, so it cannot go on running.
		if d := s.daemons.get(id); d != nil {
			d.configured, d.Essential, d.Intent, d.Pin = false, false, mesh.IntentStop, 0
		}
	}
}
