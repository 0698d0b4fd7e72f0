package state

import (
	"github.com/meshos/meshos/host/mesh"
)

// configure takes over what the configuration says of peers, chains and daemons.
// Only what changed since the last time is set: an intent that an event changed
// meanwhile stays, unless the configuration changed it too.
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
	for _, c := range s.configured.Peers {
		if !keep[c.ID] {
			s.peers.remove(c.ID)
			s.avoid.remove(c.ID)
		}
	}
}

func (s *State) configureChains(next []mesh.ConfiguredChain) {
	before := make(map[mesh.ChainID]mesh.ConfiguredChain, len(s.configured.Chains))
	for _, c := range s.configured.Chains {
		before[c.ID] = c
	}
	for _, c := range next {
		old, known := before[c.ID]
		delete(before, c.ID)
		e := s.chains.ensure(c.ID)
		if !known || !sameCount(old.Replicas, c.Replicas) {
			e.desired, e.wished = 0, false
			if c.Replicas != nil {
				e.setDesired(*c.Replicas)
			}
		}
		if !known || old.Hold != c.Hold {
			e.hold = c.Hold
		}
		s.maybeEmpty(c.ID)
	}
	for id := range before {
		if e := s.chains.get(id); e != nil {
			e.desired, e.wished, e.hold = 0, false, mesh.HoldNone
			s.maybeEmpty(id)
		}
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
		d := s.daemonNamed(c.Daemon)
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
		// Nobody says any more how to run it, so it is stopped.
		if d := s.daemons.get(id); d != nil {
			d.configured, d.Essential, d.Intent, d.Pin = false, false, mesh.IntentStop, 0
		}
	}
}
