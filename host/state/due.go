package state

import (
	"fmt"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// thing is what may be due: a daemon, a peer …, by id.
type thing struct {
	kind dueKind
	id   uint64
}

type dueKind uint8

const (
	dueDaemon dueKind = iota
	duePeer
	dueAvoided
	dueChain
	dueAction // of the ledger
)

// wake touches what is due now, so that this tick and the decisions look at it.
func (s *State) wake() {
	s.ledger.woken = s.ledger.woken[:0]
	for {
		_, t, ok := s.due.Take(s.now)
		if !ok {
			return
		}
		switch t.kind {
		case dueDaemon:
			if d := s.daemons.edit(mesh.DaemonID(t.id)); d != nil {
				d.queued = 0
			}
		case duePeer:
			if p := s.peers.edit(mesh.NodeID(t.id)); p != nil {
				p.queued = 0
			}
		case dueAvoided:
			s.avoid.edit(mesh.NodeID(t.id))
		case dueChain:
			s.chains.edit(mesh.ChainID(t.id))
		case dueAction:
			s.ledger.woken = append(s.ledger.woken, mesh.ActionID(t.id))
		}
	}
}

// dueAt has a thing looked at again at a time.
func (s *State) dueAt(at mesh.Time, kind dueKind, id uint64) { s.due.Add(at, thing{kind, id}) }

// soonest is the earliest of some instants that are still to come.
type soonest struct {
	now, at mesh.Time
}

func (n *soonest) add(at mesh.Time) {
	if at > n.now && at < n.at {
		n.at = at
	}
}

// scheduleDaemon has a daemon looked at again when something about it changes by itself. It
// may be in the queue too early, never too late.
func (s *State) scheduleDaemon(id mesh.DaemonID, d *daemon) {
	next := soonest{now: s.now, at: mesh.Never}
	if at, closed := d.Gate.ReleaseAt(); closed {
		next.add(at)
	}
	switch d.Lifecycle {
	case Running:
		if d.Crashes > 0 {
			next.add(d.began.Add(s.restartPolicy(d).StableRun))
		}
	case Starting:
		next.add(d.startedAt.Add(s.policy.ActionTimeout))
	case Stopping:
		next.add(max(d.stoppedAt, d.StopDeadline).Add(s.policy.ActionTimeout))
	case Stopped:
		next.add(max(d.since, d.ended).Add(forgetAfter))
	}
	if next.at != mesh.Never && (d.queued == 0 || next.at < d.queued) {
		d.queued = next.at
		s.dueAt(next.at, dueDaemon, uint64(id))
	}
}

// schedulePeer is scheduleDaemon for a peer.
func (s *State) schedulePeer(id mesh.NodeID, p *peer) {
	next := soonest{now: s.now, at: mesh.Never}
	renew := func(o origin) {
		if o.probed {
			next.add(o.at.Add(s.policy.SampleTTL))
		}
	}
	if p.hasRTT {
		renew(p.rttFrom)
	}
	if e := p.echoing; e != nil {
		if e.echoes != (mesh.Echoes{}) {
			renew(e.from)
		}
		for i := range e.paths {
			renew(e.paths[i].from)
		}
	}
	for i := range p.verdicts {
		renew(p.verdicts[i].from)
	}
	if p.health == mesh.HealthUnreachable {
		next.add(p.healthSince.Add(s.policy.UnreachableGrace))
	}
	if p.echo == EchoSilent {
		next.add(p.echoSince.Add(s.policy.RecoverAfter))
	}
	if p.inventory != nil {
		p.inventory.due(&next, s.policy.SampleTTL)
	}
	if next.at != mesh.Never && (p.queued == 0 || next.at < p.queued) {
		p.queued = next.at
		s.dueAt(next.at, duePeer, uint64(id))
	}
}

// tickLedger fails the actions whose outcome did not come in time, and touches what the keys
// are about that may be handed out again.
func (s *State) tickLedger() {
	var late []*ledgerEntry
	all := s.ledger.marks.Of(marks.Tick).All
	if all {
		for _, e := range s.ledger.entries {
			if e.phase == outstanding && s.now.Sub(s.heardOf(e)) >= s.policy.ActionTimeout {
				late = append(late, e)
			}
		}
	}
	for _, id := range s.ledger.woken {
		e := s.ledger.of(id)
		switch {
		case e == nil: // it was forgotten, or handed out again
		case e.phase != outstanding:
			s.touchKey(e)
		case s.now.Sub(s.heardOf(e)) >= s.policy.ActionTimeout:
			if !all {
				late = append(late, e)
			}
		default:
			s.dueAt(s.heardOf(e).Add(s.policy.ActionTimeout), dueAction, uint64(id))
		}
	}
	sortByID(late)
	for _, e := range late {
		s.failed(e, mesh.Outcome{Reason: fmt.Sprintf("no outcome within %s", s.policy.ActionTimeout)})
	}
}
