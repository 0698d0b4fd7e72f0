package state

import (
	"maps"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// configure takes over the peers, chains and daemons of the configuration. It sets only
// what changed since the last time: an order that set an intent meanwhile stays in force,
// unless the configuration changed that intent too.
func (s *State) configure(next mesh.Configured) {
	s.configurePeers(next.Peers)
	s.configureChains(next.Chains)
	s.configureDaemons(next.Daemons)
	s.members.targets++ // labels may be others
	s.configured = next
}

func (s *State) configurePeers(next []mesh.ConfiguredPeer) {
	keep := make(map[mesh.NodeID]bool, len(next))
	for _, c := range next {
		keep[c.ID] = true
		if p := s.peers.get(c.ID); p == nil || !p.configured || p.name != c.Name {
			p = s.peers.ensure(c.ID)
			p.configured, p.name = true, c.Name
		}
	}
	gone := make(map[mesh.NodeID]bool)
	for _, c := range s.configured.Peers {
		if keep[c.ID] {
			continue
		}
		if p := s.peers.get(c.ID); p != nil && p.member != nil {
			s.peers.touch(c.ID, p)
			p.configured, p.name = false, p.member.name
			continue // the mesh knows it, too
		}
		s.forgetPeer(c.ID, "the peer was taken out of the configuration")
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
			s.chains.touch(id, c)
			s.setLeader(id, c, 0)
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
			s.endMove(id)
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
		s.configureChain(old, c, true)
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		old := before[id]
		if s.chains.get(id) != nil {
			s.configureChain(old, mesh.ConfiguredChain{ID: id}, false)
			s.noteIfEmpty(id)
		}
	}
}

// configureChain takes over the intents that changed, in place of what was ordered. It does
// not remove an intent that is not from the configuration.
func (s *State) configureChain(old, next mesh.ConfiguredChain, configured bool) {
	c := s.chains.get(next.ID)
	if c != nil && c.is(chainConfigured) == configured && same(old.Replicas, next.Replicas) && old.Hold == next.Hold && old.Spread == next.Spread {
		c.setFile(next)
		return
	}
	c = s.chains.ensure(next.ID)
	before := spreads(c.spread())
	c.setFile(next)
	s.members.spread += spreads(c.spread()) - before
	c.set(chainConfigured, configured)
	if !same(old.Replicas, next.Replicas) && (c.count == nil || !c.count.OfMesh) {
		if c.count != nil {
			s.logReplaced(0, c.count.By, countOrdered(next.ID, c.count.Desired), "replicas", old.Replicas, next.Replicas)
		}
		c.count = nil
		c.setFromFile()
	}
	if old.Hold != next.Hold {
		if held := c.seldom().held; held != nil {
			s.logReplaced(0, held.By, holdOrdered(next.ID, held.Intent), "hold", holdOf(old.Hold), holdOf(next.Hold))
			c.rare.held = nil
		}
		c.hold = next.Hold
	}
}

// spreads returns 1 for a chain whose holders are spread over a label.
func spreads(label string) int {
	if label == "" {
		return 0
	}
	return 1
}

// setFromFile sets the desired number to that of the configuration.
func (c *chain) setFromFile() {
	c.desired = 0
	c.set(chainDesired, false)
	if n := c.seldom().file.Replicas; n != nil {
		c.setDesired(*n)
	}
}

// setFile notes what the configuration says.
func (c *chain) setFile(says mesh.ConfiguredChain) {
	if c.rare != nil || says.Replicas != nil || says.Hold != mesh.HoldNone || says.Spread != "" {
		c.editRare().file = says
	}
}

// same reports whether two values that may be absent are the same.
func same[T comparable](a, b *T) bool {
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
		d.configured, d.entry, d.Essential, d.mode = true, c, c.Essential, c.Restart
		d.after, d.requires, d.restartUnhealthy, d.reloadable = c.After, c.Requires, c.RestartUnhealthy, c.Reloadable
		if d.file != "" && d.file != c.Config && d.Lifecycle == Stopped {
			s.forgive(d)
		}
		if d.file, d.removed = c.Config, false; d.Checked && !c.Checked {
			d.Health = mesh.DaemonHealth{} // nobody renews it
		}
		d.Checked, d.StopGrace = c.Checked, c.StopGrace
		if !known || old.Run != c.Run {
			if d.run != nil {
				s.logReplaced(c.Daemon.ID, d.run.By, runOrdered(c.Daemon, d.run.Intent), "run", valueOf(old.Run, known), &c.Run)
			}
			d.setRun(nil)
		}
		if !known || old.Node != c.Node {
			if d.pin != nil {
				s.logReplaced(c.Daemon.ID, d.pin.By, pinOrdered(c.Daemon, d.pin.Node), "node", valueOf(old.Node, known), &c.Node)
			}
			d.setPin(nil)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		// Its command is gone with the configuration, so it cannot go on running.
		if d := s.daemons.edit(id); d != nil {
			if d.run != nil {
				s.logGone(d.Ref, d.run.By)
			}
			d.restartUnhealthy, d.reloadable = false, false
			d.configured, d.Essential, d.Checked, d.file, d.removed, d.mode = false, false, false, "", true, mesh.RestartAlways
			d.setRun(nil)
			d.setPin(nil)
			d.Intent, d.Restart = mesh.IntentStop, RestartNone
		}
	}
	s.daemons.marks.TouchAll() // whichever order there was among them
	s.dependents = make(map[mesh.DaemonID][]mesh.DaemonID)
	for id, d := range s.daemons.all() { // one that was removed still ends in its order
		for _, before := range d.Before() {
			s.dependents[before] = append(s.dependents[before], id)
		}
	}
}
