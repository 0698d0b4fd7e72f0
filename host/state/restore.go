package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// restore takes over what outlived the process before. The configuration replaces an order
// if its own value changed since the order was given.
func (s *State) restore(o Orders) {
	s.height, s.meshHeight, s.frozenHere = o.Height, o.MeshHeight, o.FrozenHere
	s.restoreLocal(o.Local)
	for _, n := range o.Nodes {
		if known := s.peers.get(n.Node); n.Peer && (known == nil || !known.configured) {
			continue
		}
		p := s.peers.ensure(n.Node)
		p.cordoned, p.cordonedBy, p.draining = n.Cordoned, &n.By, n.Draining
		p.noteOrder(n.By)
		if n.Phase != mesh.PhaseUnknown && n.Node != s.node {
			p.phase, p.phaseOrdered = n.Phase, true
		}
	}
	s.forced = slices.Clone(o.Forced)
	for _, d := range o.Daemons {
		s.restoreDaemon(d)
	}
	for _, g := range o.Gates {
		if d := s.daemons.edit(g.Daemon.ID); d != nil {
			d.Gate = Gate{until: g.Until, window: g.Window, crashes: slices.Clone(g.Crashes)}
			if g.State != GateIdle {
				d.Gate.closed = g.State
			}
			s.restoreCrashes(d, g)
		}
	}
	for _, c := range o.Chains {
		s.restoreChain(c)
	}
}

func (s *State) restoreLocal(o *LocalOrder) {
	if o == nil {
		return
	}
	m := &s.local
	m.phase, m.since, m.deadline, m.reason, m.reported, m.by = o.Phase, o.Since, o.Deadline, o.Reason, o.Reported, o.By
	m.draining, m.drained, m.drainSince, m.drainDeadline = o.Draining, o.Drained, o.DrainSince, o.DrainDeadline
	m.drainReported, m.drainBy = o.DrainReported, o.DrainBy
	s.notOverUntil = s.now.Add(s.policy.Settle)
}

func (s *State) restoreDaemon(o DaemonOrder) {
	d := s.daemons.edit(o.Daemon.ID)
	if d == nil && o.Run == nil && o.Pin == nil {
		return // it was to be restarted, and is gone
	}
	if d == nil {
		if o.Run != nil && o.Run.Over != nil || o.Pin != nil && o.Pin.Over != nil {
			by := Origin{}
			if o.Run != nil {
				by = o.Run.By
			}
			s.logGone(o.Daemon, by)
			return
		}
		d = s.ensureDaemon(o.Daemon)
	}
	if o.Run != nil {
		if same(o.Run.Over, d.fileRun()) {
			d.setRun(copied(o.Run))
		} else {
			s.logReplaced(d.Ref.ID, o.Run.By, runOrdered(d.Ref, o.Run.Intent), "run", o.Run.Over, d.fileRun())
		}
	}
	if o.Pin != nil {
		if same(o.Pin.Over, d.fileNode()) {
			d.setPin(copied(o.Pin))
		} else {
			s.logReplaced(d.Ref.ID, o.Pin.By, pinOrdered(d.Ref, o.Pin.Node), "node", o.Pin.Over, d.fileNode())
		}
	}
	if r := o.Restart; r != nil && d.Intent != mesh.IntentStop {
		d.Restart, d.alone, d.restartAt = RestartStart, r.Alone, min(r.At, s.now)
	}
}

func (s *State) restoreChain(o ChainOrder) {
	c := s.chains.ensure(o.Chain)
	if o.Count != nil {
		if o.Count.OfMesh || same(o.Count.Over, c.seldom().file.Replicas) {
			s.setCount(c, copied(o.Count))
		} else {
			s.logReplaced(0, o.Count.By, countOrdered(o.Chain, o.Count.Desired), "replicas", o.Count.Over, c.seldom().file.Replicas)
		}
	}
	if o.Hold != nil {
		if o.Hold.Over == c.seldom().file.Hold {
			c.setHold(copied(o.Hold))
		} else {
			s.logReplaced(0, o.Hold.By, holdOrdered(o.Chain, o.Hold.Intent), "hold", holdOf(o.Hold.Over), holdOf(c.seldom().file.Hold))
		}
	}
	s.noteIfEmpty(o.Chain)
}
