package state

import (
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// maintenance is the state of this node's maintenance machine, and of a drain, which is
// independent of the machine.
type maintenance struct {
	name     string // of the node
	phase    mesh.MaintenancePhase
	since    mesh.Time
	deadline mesh.Time // meaningful while entering
	reason   string    // why the drain failed
	reported bool      // it was reported that the exit takes too long
	by       Origin    // the order that led to the phase

	draining      bool // evacuating while Active
	drained       bool // a drain is over, and the node is still cordoned
	drainSince    mesh.Time
	drainDeadline mesh.Time
	drainReported bool
	drainBy       Origin
}

// Maintenance is the maintenance and drain of this node, for readers.
type Maintenance struct {
	Phase       mesh.MaintenancePhase
	Since       mesh.Time // meaningful with HasSince
	HasSince    bool
	Deadline    mesh.Time // meaningful with HasDeadline
	HasDeadline bool
	Reason      string
	Cordoned    bool
	Draining    bool
	By          Origin // the order that led to this; zero for none
}

// Maintenance returns the maintenance and drain of this node.
func (s *State) Maintenance() Maintenance {
	m := Maintenance{
		Phase: s.local.phase, Reason: s.local.reason,
		Cordoned: s.Cordoned(s.node), Draining: s.local.draining,
	}
	switch {
	case m.Phase != mesh.PhaseActive:
		m.Since, m.HasSince, m.By = s.local.since, true, s.local.by
	case s.local.draining:
		m.Since, m.HasSince, m.By = s.local.drainSince, true, s.local.drainBy
	case s.local.drained:
		m.By = s.local.drainBy
	case m.Cordoned:
		m.By = s.peers.get(s.node).orderedBy()
	}
	switch {
	case m.Phase == mesh.PhaseEntering:
		m.Deadline, m.HasDeadline = s.local.deadline, true
	case s.local.draining:
		m.Deadline, m.HasDeadline = s.local.drainDeadline, true
	}
	return m
}

// Cordoned reports whether a node is cordoned.
func (s *State) Cordoned(n mesh.NodeID) bool {
	p := s.peers.get(n)
	return p != nil && p.isCordoned()
}

// Evacuating reports whether this node is to be empty: it moves its chains to other nodes
// and stops its daemons, or has done so.
func (s *State) Evacuating() bool {
	return inMaintenance(s.local.phase) || s.local.draining || s.local.drained
}

// successor reports whether an observed phase may follow another. A phase may follow itself,
// since transitions may be observed again. The phases have no linear order: DrainFailed
// must not follow Exiting, so that a failure that arrives late does not undo an operator's
// exit.
func successor(from, to mesh.MaintenancePhase) bool {
	if from == to {
		return true
	}
	switch from {
	case mesh.PhaseActive:
		return to == mesh.PhaseEntering
	case mesh.PhaseEntering:
		return to == mesh.PhaseMaintenance || to == mesh.PhaseDrainFailed
	case mesh.PhaseMaintenance:
		return to == mesh.PhaseExiting || to == mesh.PhaseDrainFailed
	case mesh.PhaseExiting:
		return to == mesh.PhaseRecovery
	case mesh.PhaseDrainFailed:
		return to == mesh.PhaseExiting
	case mesh.PhaseRecovery:
		return to == mesh.PhaseActive
	}
	return false
}

func (s *State) enterMaintenance(ev mesh.EnterMaintenance, o Origin) {
	if ev.Node != s.node {
		p := s.peers.ensure(ev.Node)
		p.noteOrder(o)
		p.phase, p.phaseOrdered, p.draining = mesh.PhaseEntering, true, false
		return
	}
	window := s.policy.DrainDeadline
	if ev.DrainFor != nil {
		window = *ev.DrainFor
	}
	if s.local.phase != mesh.PhaseMaintenance {
		s.setPhase(mesh.PhaseEntering, "", o.At)
		s.local.deadline, s.local.by = o.At.Add(window), o
	}
}

func (s *State) exitMaintenance(n mesh.NodeID, o Origin) {
	if n != s.node {
		p := s.peers.ensure(n)
		p.noteOrder(o)
		p.phase, p.phaseOrdered = mesh.PhaseExiting, true
		return
	}
	if inMaintenance(s.local.phase) {
		s.setPhase(mesh.PhaseExiting, "", o.At)
		s.local.by = o
	}
}

func (s *State) maintenanceObserved(ev mesh.MaintenanceObserved, o Origin) {
	if ev.Node != s.node {
		p := s.peers.ensure(ev.Node)
		p.phase, p.phaseOrdered = ev.Phase, false
		if inMaintenance(ev.Phase) {
			p.draining = false // maintenance replaces the drain
		}
		return
	}
	if !successor(s.local.phase, ev.Phase) {
		return
	}
	again := s.local.phase == ev.Phase
	s.setPhase(ev.Phase, ev.Reason, o.At)
	s.local.by = o
	if ev.Phase != mesh.PhaseEntering {
		return
	}
	switch {
	case ev.Deadline != nil:
		s.local.deadline = o.At.Add(*ev.Deadline)
	case !again:
		s.local.deadline = o.At.Add(s.policy.DrainDeadline)
	}
}

// committed folds the success of a maintenance transition.
func (s *State) committed(a mesh.CommitTransition) {
	if a.Node == s.node && successor(s.local.phase, a.Target) {
		s.setPhase(a.Target, a.Reason, s.now)
	}
}

// setPhase moves the machine, at a time. A phase that follows itself keeps its beginning.
func (s *State) setPhase(to mesh.MaintenancePhase, reason string, at mesh.Time) {
	m := &s.local
	s.peers.edit(s.node) // which is shown with the phase
	if m.phase != to {
		m.phase, m.since, m.reported = to, at, false
	}
	m.reason = reason
	if to == mesh.PhaseEntering {
		m.draining, m.drained = false, false // maintenance replaces the drain
	}
}

func (s *State) drain(ev mesh.Drain, o Origin) {
	p := s.peers.ensure(ev.Node)
	p.cordon(o)
	if ev.Node != s.node {
		p.draining = !inMaintenance(p.phaseNow())
		return
	}
	if inMaintenance(s.local.phase) {
		return // it is being evacuated already
	}
	m := &s.local
	if !m.draining {
		m.drainSince = o.At
	}
	m.draining, m.drained, m.drainReported, m.drainBy = true, false, false, o
	window := ev.DrainFor
	if window == 0 {
		window = s.policy.DrainDeadline
	}
	m.drainDeadline = o.At.Add(window)
}

func (s *State) uncordon(n mesh.NodeID, o Origin) {
	if p := s.peers.edit(n); p != nil {
		p.noteOrder(o)
		p.cordoned, p.draining = false, false
		s.sweepPeer(n, p)
	}
	if n == s.node {
		s.local.draining, s.local.drained = false, false
	}
}

// EffectiveIntent returns what this node should do about a daemon, and the reason if that
// is to stop it. An intent to run holds only on the node to which it is pinned, not while the
// node is evacuated, and only while those that the daemon requires should run too; one that is
// unhealthy may have to be stopped, to be restarted.
func (s *State) EffectiveIntent(d Daemon) (intent mesh.RunIntent, why string) {
	intent, why = s.ownIntent(d)
	if intent != mesh.IntentRun {
		return intent, why
	}
	if len(d.requires) > 0 {
		if r, why := s.requiredStops(d, map[mesh.DaemonID]bool{d.Ref.ID: true}); r != nil {
			return mesh.IntentStop, fmt.Sprintf("it requires %s: %s", r.Ref, why)
		}
	}
	if d.ill() {
		return mesh.IntentStop, "it is unhealthy: " + d.Health.Reason
	}
	return intent, ""
}

// ownIntent is EffectiveIntent without regard to other daemons.
func (s *State) ownIntent(d Daemon) (intent mesh.RunIntent, why string) {
	switch {
	case d.Restart == RestartStop:
		return mesh.IntentStop, d.restartReason()
	case d.Intent == mesh.IntentStop:
		return mesh.IntentStop, "desired intent is stop"
	case d.removed:
		return mesh.IntentStop, "it was taken out of the configuration"
	case d.Pin != 0 && d.Pin != s.node:
		return mesh.IntentStop, fmt.Sprintf("desired intent is to run on node %d only", d.Pin)
	case s.Evacuating() && !d.Essential:
		return mesh.IntentStop, "this node is being evacuated"
	case d.Intent == mesh.IntentNone && d.Restart == RestartStart:
		return mesh.IntentRun, ""
	}
	return d.Intent, ""
}

// tickMaintenance ends a drain when nothing is left, has one go on that was over too early, and
// reports once that a drain or an exit takes too long.
func (s *State) tickMaintenance() {
	m := &s.local
	if m.drained && s.holdsChains() {
		// A replica was on its way here, or not known of yet.
		m.draining, m.drained, m.drainReported = true, false, false
		m.drainSince, m.drainDeadline = s.now, s.now.Add(s.policy.DrainDeadline)
	}
	if m.draining {
		left := s.remaining()
		switch {
		case len(left) == 0:
			if s.MayBeOver() {
				m.draining, m.drained = false, true
			}
		case s.now >= m.drainDeadline && !m.drainReported:
			m.drainReported = true
			s.recordFailure(fmt.Sprintf("drain:%d", s.node), overdue("the drain", m.drainDeadline.Sub(m.drainSince), left))
		}
	}
	if m.phase == mesh.PhaseExiting && !m.reported && s.now.Sub(m.since) >= s.policy.ExitReport {
		m.reported = true
		s.recordFailure(fmt.Sprintf("exit-maintenance:%d", s.node), overdue("leaving maintenance", s.policy.ExitReport, s.notBackYet()))
	}
}

// MayBeOver reports whether an evacuation can be over. It can't for a moment after a
// restart: what is still here may not be known yet.
func (s *State) MayBeOver() bool { return s.now >= s.notOverUntil }

func overdue(what string, after time.Duration, left []string) string {
	if len(left) == 0 {
		return fmt.Sprintf("%s is not over after %s", what, after)
	}
	return fmt.Sprintf("%s is not over after %s and goes on: waiting for %s", what, after, strings.Join(left, ", "))
}

// cordon cordons a node.
func (p *peer) cordon(o Origin) {
	p.noteOrder(o)
	if !p.cordoned {
		p.cordoned, p.cordonedBy = true, &o
	}
}
