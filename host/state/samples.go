package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// origin is where an entry of a peer comes from. The zero value is an event: such an entry
// stays until it is changed.
type origin struct {
	probed bool
	probe  string
	answer uint64 // which of all answers of probes said it last
	at     mesh.Time
}

// stale returns whether an entry was not renewed in time by its probe.
func (s *State) stale(o origin) bool {
	return o.probed && s.now.Sub(o.at) >= s.policy.SampleTTL
}

// rttReported takes over an RTT that came as an event.
func (s *State) rttReported(ev mesh.RTTSample) {
	if ev.Peer == s.node {
		return
	}
	p := s.peers.ensure(ev.Peer)
	p.rtt, p.hasRTT, p.rttFrom = ev.RTT, true, origin{}
	p.echoes, p.echoesFrom = ev.Echoes, origin{}
	if !p.hasReported {
		s.reported = append(s.reported, ev.Peer)
	}
	p.reported, p.hasReported = ev.RTT, true
}

// healthReported takes over a verdict of a probe or an event.
func (s *State) healthReported(ev mesh.HealthSample, from origin) {
	if ev.Peer == s.node {
		return
	}
	if p := s.peers.get(ev.Peer); p != nil && p.renewHealth(ev, from) {
		return
	}
	p := s.peers.ensure(ev.Peer)
	p.judgeHealth(ev, from, s.now)
}

// applySamples folds the answer of one probe. A failed poll changes nothing: earlier samples
// stay until their time is over.
func (s *State) applySamples(in mesh.Samples) {
	if in.Err != "" {
		return
	}
	s.answers++
	from := origin{probed: true, probe: in.Probe, answer: s.answers, at: s.now}
	for _, r := range in.RTT {
		if r.Peer == s.node {
			continue
		}
		if p := s.peers.get(r.Peer); p == nil || !p.renewed(r, from) {
			s.peers.ensure(r.Peer).measured(r, from, &s.policy)
		}
	}
	for _, h := range in.Health {
		s.healthReported(h, from)
	}
	unsaid := func(o origin) bool { return o.probed && o.probe == in.Probe && o.answer != s.answers }
	if in.RTTComplete {
		s.dropEntries(func(p *peer) bool { return p.dropRTT(unsaid) })
	}
	if in.HealthComplete {
		s.dropEntries(func(p *peer) bool { return p.dropHealth(unsaid, s.now) })
	}
	s.applyInventory(from, in.Inventory, in.InventoryComplete)
}

// renewed takes over a measurement that the probe has said before, and reports whether it was
// one: then only the age of what is known has changed.
func (p *peer) renewed(r mesh.RTTSample, from origin) bool {
	i := slices.IndexFunc(p.paths, func(m path) bool { return m.from.probe == from.probe })
	if i < 0 || r.Round == 0 || p.paths[i].sample != r || p.echoes != r.Echoes || !p.echoesFrom.of(from) {
		return false
	}
	own := p.hasRTT && p.rttFrom.of(from)
	if own != (r.RTT > 0 || r.Echoes == (mesh.Echoes{})) || own && p.rtt != r.RTT {
		return false
	}
	p.paths[i].from, p.echoesFrom = from, from
	if own {
		p.rttFrom = from
	}
	return true
}

// of reports whether an entry is from the same probe as another.
func (o origin) of(other origin) bool { return o.probed && other.probed && o.probe == other.probe }

// measured takes over what a probe measured. If the probe got no answer in its last round,
// the RTT that it measured before is no longer true; one from elsewhere stays.
func (p *peer) measured(r mesh.RTTSample, from origin, policy *Policy) {
	p.echoes, p.echoesFrom = r.Echoes, from
	p.pathOf(from.probe).take(r, from, policy)
	p.answered = p.answered || r.RTT > 0 || r.Received > 0 || r.Late > 0
	switch {
	case r.RTT > 0 || r.Echoes == (mesh.Echoes{}):
		p.rtt, p.hasRTT, p.rttFrom = r.RTT, true, from
	case p.rttFrom.probed && p.rttFrom.probe == from.probe:
		p.rtt, p.hasRTT = 0, false
	}
}

// expire drops what probes said of a peer and did not renew in time, and reports whether there
// was any.
func (s *State) expire(p *peer) bool {
	rtt, health := p.dropRTT(s.stale), p.dropHealth(s.stale, s.now)
	facts := p.inventory.expire(s.now, s.policy.SampleTTL)
	if facts {
		p.inventory.combine()
	}
	return rtt || health || facts
}

// dropEntries calls drop for each peer, and forgets the peers about which nothing is known
// after it has dropped something.
func (s *State) dropEntries(drop func(p *peer) bool) {
	for id, p := range s.peers.all() {
		if drop(p) {
			s.peers.touch(id, p)
			s.sweepPeer(id, p)
		}
	}
}

// dropRTT drops what was measured if its origin is over, and reports whether it was.
func (p *peer) dropRTT(over func(origin) bool) (dropped bool) {
	if p.hasRTT && over(p.rttFrom) {
		p.rtt, p.hasRTT, dropped = 0, false, true
	}
	if p.echoes != (mesh.Echoes{}) && over(p.echoesFrom) {
		p.echoes, dropped = mesh.Echoes{}, true
	}
	return p.dropPaths(over) || dropped
}
