package state

import (
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// maintenance is where this node stands in the maintenance machine, and in a
// drain, which is beside it.
type maintenance struct {
	name     string // of the node
	phase    mesh.MaintenancePhase
	since    mesh.Time
	deadline mesh.Time // meaningful while entering
	reason   string    // of a failed drain
	reported bool      // an exit that takes too long was reported

	draining      bool // evacuating while Active
	drained       bool // a drain is over and the node still cordoned
	drainSince    mesh.Time
	drainDeadline mesh.Time
	drainReported bool
}

// Maintenance is where this node stands, for readers.
type Maintenance struct {
	Phase       mesh.MaintenancePhase
	Since       mesh.Time // meaningful with HasSince
	HasSince    bool
	Deadline    mesh.Time // meaningful with HasDeadline
	HasDeadline bool
	Reason      string
	Cordoned    bool
	Draining    bool
}

// Maintenance says where this node stands.
func (s *State) Maintenance() Maintenance {
	m := Maintenance{
		Phase: s.local.phase, Reason: s.local.reason,
		Cordoned: s.Cordoned(s.node), Draining: s.local.draining,
	}
	switch {
	case m.Phase != mesh.PhaseActive:
		m.Since, m.HasSince = s.local.since, true
	case s.local.draining:
		m.Since, m.HasSince = s.local.drainSince, true
	}
	switch {
	case m.Phase == mesh.PhaseEntering:
		m.Deadline, m.HasDeadline = s.local.deadline, true
	case s.local.draining:
		m.Deadline, m.HasDeadline = s.local.drainDeadline, true
	}
	return m
}

// Cordoned says whether a node is cordoned.
func (s *State) Cordoned(n mesh.NodeID) bool {
	p := s.peers.get(n)
	return p != nil && p.cordoned
}

// Evacuating says whether this node gives up what it holds and runs, or has done
// so and is to stay empty.
func (s *State) Evacuating() bool {
	return inMaintenance(s.local.phase) || s.local.draining || s.local.drained
}

// successor says whether an observed phase may follow another. A phase may
// follow itself, since transitions are replayed. A table, and not an order:
// Exiting and DrainFailed are equally far, and a late failure must not undo an
// operator's exit.
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

func (s *State) enterMaintenance(ev mesh.EnterMaintenance) {
	if ev.Node != s.node {
		p := s.peers.ensure(ev.Node)
		p.phase, p.draining = mesh.PhaseEntering, false
		return
	}
	window := s.policy.DrainDeadline
	if ev.DrainFor != nil {
		window = *ev.DrainFor
	}
	if s.local.phase != mesh.PhaseMaintenance {
		s.setPhase(mesh.PhaseEntering, "")
		s.local.deadline = s.now.Add(window)
	}
}

func (s *State) exitMaintenance(n mesh.NodeID) {
	if n != s.node {
		s.peers.ensure(n).phase = mesh.PhaseExiting
		return
	}
	if inMaintenance(s.local.phase) {
		s.setPhase(mesh.PhaseExiting, "")
	}
}

func (s *State) maintenanceObserved(ev mesh.MaintenanceObserved) {
	if ev.Node != s.node {
		p := s.peers.ensure(ev.Node)
		p.phase = ev.Phase
		if inMaintenance(ev.Phase) {
			p.draining = false // it takes over
		}
		return
	}
	if !successor(s.local.phase, ev.Phase) {
		return
	}
	again := s.local.phase == ev.Phase
	s.setPhase(ev.Phase, ev.Reason)
	if ev.Phase != mesh.PhaseEntering {
		return
	}
	switch {
	case ev.Deadline != nil:
		s.local.deadline = s.now.Add(*ev.Deadline)
	case !again:
		s.local.deadline = s.now.Add(s.policy.DrainDeadline)
	}
}

// committed carries out a maintenance transition of this node that was handed
// out and succeeded.
func (s *State) committed(a mesh.CommitTransition) {
	if a.Node == s.node && successor(s.local.phase, a.Target) {
		s.setPhase(a.Target, a.Reason)
	}
}

// setPhase moves the machine; a phase that follows itself keeps its beginning.
func (s *State) setPhase(to mesh.MaintenancePhase, reason string) {
	m := &s.local
	if m.phase != to {
		m.phase, m.since, m.reported = to, s.now, false
	}
	m.reason = reason
	if to == mesh.PhaseEntering {
		m.draining, m.drained = false, false // it takes over
	}
}

func (s *State) drain(ev mesh.Drain) {
	p := s.peers.ensure(ev.Node)
	p.cordoned = true
	if ev.Node != s.node {
		p.draining = !inMaintenance(p.phase)
		return
	}
	if inMaintenance(s.local.phase) {
		return // evacuating already
	}
	m := &s.local
	if !m.draining {
		m.drainSince = s.now
	}
	m.draining, m.drained, m.drainReported = true, false, false
	window := ev.DrainFor
	if window == 0 {
		window = s.policy.DrainDeadline
	}
	m.drainDeadline = s.now.Add(window)
}

func (s *State) uncordon(n mesh.NodeID) {
	if p := s.peers.get(n); p != nil {
		p.cordoned, p.draining = false, false
		s.sweepPeer(n, p)
	}
	if n == s.node {
		s.local.draining, s.local.drained = false, false
	}
}

// WaitingFor lists what the present phase or drain waits for: "chain 7",
// "daemon 3 (telemetry)". Chains first, each kind by id.
func (s *State) WaitingFor() []string {
	switch {
	case s.local.phase == mesh.PhaseExiting:
		return s.notBack()
	case s.local.phase == mesh.PhaseEntering, s.local.phase == mesh.PhaseDrainFailed, s.local.draining:
		return s.leftHere()
	}
	return nil
}

// leftHere lists the chains and the daemons that evacuating has not moved yet.
func (s *State) leftHere() []string {
	var left []string
	for c := range s.Chains() {
		if c.HeldBy(s.node) {
			left = append(left, fmt.Sprintf("chain %d", c.ID))
		}
	}
	for d := range s.Daemons() {
		if !d.Essential && d.Lifecycle != Stopped {
			left = append(left, fmt.Sprintf("daemon %s", d.Ref))
		}
	}
	return left
}

// notBack lists the daemons that should run here and don't yet, or not well.
func (s *State) notBack() []string {
	var out []string
	for d := range s.Daemons() {
		judged := d
		judged.Restart = RestartNone // one that is being restarted should run all the same
		if intent, _ := s.Effective(judged); intent != mesh.IntentRun {
			continue
		}
		well := d.Health.Status == mesh.DaemonHealthy || d.Health.Status == mesh.DaemonUnknown
		if d.Lifecycle != Running || d.Restart != RestartNone || !well {
			out = append(out, fmt.Sprintf("daemon %s", d.Ref))
		}
	}
	return out
}

// Effective gives what this node should do about a daemon, and why if that is to
// stop it: an intent to run holds only on the node it is pinned to, and not
// where the node is being evacuated.
func (s *State) Effective(d Daemon) (intent mesh.RunIntent, why string) {
	switch {
	case d.Restart == RestartStop:
		return mesh.IntentStop, "a restart of all daemons was ordered"
	case d.Intent == mesh.IntentStop:
		return mesh.IntentStop, "desired intent is stop"
	case d.Pin != 0 && d.Pin != s.node:
		return mesh.IntentStop, fmt.Sprintf("desired intent is to run on node %d only", d.Pin)
	case s.Evacuating() && !d.Essential:
		return mesh.IntentStop, "this node is being evacuated"
	case d.Intent == mesh.IntentNone && d.Restart == RestartStart:
		return mesh.IntentRun, ""
	}
	return d.Intent, ""
}

// tickMaintenance ends a drain with nothing left, and reports what takes longer
// than it should, once.
func (s *State) tickMaintenance() {
	m := &s.local
	if m.draining {
		left := s.leftHere()
		switch {
		case len(left) == 0:
			m.draining, m.drained = false, true
		case s.now >= m.drainDeadline && !m.drainReported:
			m.drainReported = true
			s.fail(fmt.Sprintf("drain:%d", s.node), overdue("the drain", m.drainDeadline.Sub(m.drainSince), left))
		}
	}
	if m.phase == mesh.PhaseExiting && !m.reported && s.now.Sub(m.since) >= s.policy.ExitReport {
		m.reported = true
		s.fail(fmt.Sprintf("exit-maintenance:%d", s.node), overdue("leaving maintenance", s.policy.ExitReport, s.notBack()))
	}
}

func overdue(what string, after time.Duration, left []string) string {
	if len(left) == 0 {
		return fmt.Sprintf("%s is not over after %s", what, after)
	}
	return fmt.Sprintf("%s is not over after %s and goes on: waiting for %s", what, after, strings.Join(left, ", "))
}
