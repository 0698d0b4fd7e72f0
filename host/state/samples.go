package state

import (
	"github.com/meshos/meshos/host/mesh"
)

// origin is where an entry of a peer comes from. The zero value is an event: such an entry
// stays until it is changed.
type origin struct {
	answer uint64 // which of all answers of probes said it last
	at     mesh.Time
	probe  probe
	probed bool
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
	if p.echoing != nil || ev.Echoes != (mesh.Echoes{}) {
		e := p.editEchoing()
		e.echoes, e.from = ev.Echoes, origin{}
		p.tidyEchoing()
	}
	if !p.hasReported {
		s.reported = append(s.reported, ev.Peer)
	}
	p.reported, p.hasReported = ev.RTT, true
}

// healthReported takes over a verdict of a probe or an event, and reports whether it is the first
// one of the probe.
func (s *State) healthReported(ev mesh.HealthSample, from origin) (first bool) {
	if ev.Peer == s.node {
		return false
	}
	if p := s.peers.get(ev.Peer); p != nil && p.renewHealth(ev, from) {
		return false
	}
	p := s.peers.ensure(ev.Peer)
	first = from.probed && !p.verdictBy(from.probe)
	p.judgeHealth(ev, from, s.now)
	return first
}

// applySamples folds the answer of one probe. A failed poll changes nothing: earlier samples
// stay until their time is over.
func (s *State) applySamples(in mesh.Samples) {
	if in.Err != "" {
		return
	}
	s.answers++
	by := s.probes.of(in.Probe)
	from := origin{probed: true, probe: by.probe, answer: s.answers, at: s.now}
	for _, r := range in.RTT {
		if r.Peer == s.node {
			continue
		}
		if p := s.peers.get(r.Peer); p == nil || !p.renewed(r, from) {
			p = s.peers.ensure(r.Peer)
			if p.measured(r, from, &s.policy) {
				s.noteSaid(&by.measured, r.Peer)
			}
		}
	}
	for _, h := range in.Health {
		if s.healthReported(h, from) {
			s.noteSaid(&by.judged, h.Peer)
		}
	}
	unsaid := func(o origin) bool { return o.probed && o.probe == by.probe && o.answer != s.answers }
	if in.RTTComplete {
		s.dropUnsaid(&by.measured, func(p *peer) (has, dropped bool) { return p.pathBy(by.probe), p.dropRTT(unsaid) })
	}
	if in.HealthComplete {
		s.dropUnsaid(&by.judged, func(p *peer) (has, dropped bool) { return p.verdictBy(by.probe), p.dropHealth(unsaid, s.now) })
	}
	s.applyInventory(by, from, in.Inventory, in.InventoryComplete)
}

// renewed takes over a measurement that the probe has said before, and reports whether it was
// one: then only the age of what is known has changed.
func (p *peer) renewed(r mesh.RTTSample, from origin) bool {
	e := p.echoing
	if e == nil || r.Round == 0 || e.echoes != r.Echoes || !e.from.of(from) {
		return false
	}
	m := e.pathOf(from.probe)
	if m == nil || m.sample != r {
		return false
	}
	own := p.hasRTT && p.rttFrom.of(from)
	if own != (r.RTT > 0 || r.Echoes == (mesh.Echoes{})) || own && p.rtt != r.RTT {
		return false
	}
	m.from, e.from = from, from
	if own {
		p.rttFrom = from
	}
	return true
}

// of reports whether an entry is from the same probe as another.
func (o origin) of(other origin) bool { return o.probed && other.probed && o.probe == other.probe }

// measured takes over what a probe measured. If the probe got no answer in its last round,
// the RTT that it measured before is no longer true; one from elsewhere stays. It reports whether
// it is the first measurement of the probe.
func (p *peer) measured(r mesh.RTTSample, from origin, policy *Policy) (first bool) {
	e := p.editEchoing()
	e.echoes, e.from = r.Echoes, from
	m := e.pathOf(from.probe)
	if first = m == nil; first {
		e.paths = append(e.paths, path{})
		m = &e.paths[len(e.paths)-1]
	}
	m.take(r, from, policy)
	p.answered = p.answered || r.RTT > 0 || r.Received > 0 || r.Late > 0
	switch {
	case r.RTT > 0 || r.Echoes == (mesh.Echoes{}):
		p.rtt, p.hasRTT, p.rttFrom = r.RTT, true, from
	case p.rttFrom.probed && p.rttFrom.probe == from.probe:
		p.rtt, p.hasRTT = 0, false
	}
	return first
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

// dropRTT drops what was measured if its origin is over, and reports whether it was.
func (p *peer) dropRTT(over func(origin) bool) (dropped bool) {
	if p.hasRTT && over(p.rttFrom) {
		p.rtt, p.hasRTT, dropped = 0, false, true
	}
	if e := p.echoing; e != nil {
		if e.echoes != (mesh.Echoes{}) && over(e.from) {
			e.echoes, dropped = mesh.Echoes{}, true
		}
		dropped = e.dropPaths(over) || dropped
		p.tidyEchoing()
	}
	return dropped
}
