package reconcile

import (
	"fmt"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// ExplainPeer explains whether a node is avoided, counts as a holder and may be given
// replicas.
func ExplainPeer(s *state.State, id mesh.NodeID) Explanation {
	p, ok := s.Peer(id)
	if !ok {
		if id != s.Node() && !inAnyChain(s, id) {
			return unknown("node", uint64(id))
		}
		p = state.Peer{ID: id} // it was not measured yet
		if id == s.Node() {
			p.Phase, p.Cordoned = s.Maintenance().Phase, s.Cordoned(id)
		}
	}
	e := newExplainer(s, "node "+labelled(s, p), 0)
	e.health(p)
	e.locality(p)
	for n, a := range s.AvoidList() {
		if n == id {
			e.say("locality", "it is avoided for another %s: %s", round(s.Now().Until(a.Until)), a.Reason)
		}
	}
	e.member(p)
	if s.Live(id) {
		e.say("placing", "it counts as a live holder of what it holds")
	} else {
		e.say("placing", "it has been unreachable for longer than %s and does not count as a holder", s.Policy().UnreachableGrace)
	}
	e.say("placing", "%s", hosting(s, p))
	if id == s.Node() {
		e.maintenance()
	}
	e.keys(mesh.MarkAvoid{Peer: id}.Key(), mesh.CommitTransition{Node: id}.Key())
	return e.out
}

// health adds how the peer is, since when and why.
func (e *explainer) health(p state.Peer) {
	if p.Health == mesh.HealthUnknown {
		return
	}
	text := fmt.Sprintf("it has been %s%s for %s", health(p.Health), by(p.HealthFamily), round(e.s.Now().Since(p.HealthSince)))
	if p.HealthReason != "" {
		text += ": " + p.HealthReason
	}
	e.say("health", "%s", text)
}

func health(h mesh.NodeHealth) string {
	switch h {
	case mesh.HealthHealthy:
		return "healthy"
	case mesh.HealthDegraded:
		return "degraded"
	case mesh.HealthUnreachable:
		return "unreachable"
	}
	return "unknown"
}

// labelled returns a node for people: "2 (mirror)".
func labelled(s *state.State, p state.Peer) string {
	name := p.Name
	if p.ID == s.Node() {
		name = s.NodeName()
	}
	if name == "" {
		return fmt.Sprint(p.ID)
	}
	return fmt.Sprintf("%d (%s)", p.ID, name)
}

// maintenance adds the phase of this node and what it waits for.
func (e *explainer) maintenance() {
	m := e.s.Maintenance()
	text := "in phase " + phase(m.Phase)
	if m.Draining {
		text = "draining"
	}
	if m.HasSince {
		text += fmt.Sprintf(" for %s", round(e.s.Now().Since(m.Since)))
	}
	if m.HasDeadline {
		text += fmt.Sprintf(", with %s left", round(e.s.Now().Until(m.Deadline)))
	}
	if m.Reason != "" {
		text += ": " + m.Reason
	}
	if left := e.s.WaitingFor(); len(left) > 0 {
		text += "; waiting for " + strings.Join(left, ", ")
	}
	e.say("maintenance", "%s", text)
}

func phase(p mesh.MaintenancePhase) string {
	switch p {
	case mesh.PhaseActive:
		return "active"
	case mesh.PhaseEntering:
		return "entering"
	case mesh.PhaseMaintenance:
		return "maintenance"
	case mesh.PhaseExiting:
		return "exiting"
	case mesh.PhaseDrainFailed:
		return "drain failed"
	case mesh.PhaseRecovery:
		return "recovery"
	}
	return "unknown"
}

// hosting returns that a node may be given replicas, or why not.
func hosting(s *state.State, p state.Peer) string {
	if s.MayHost(p.ID) {
		return "it may be given replicas"
	}
	var why []string
	for _, c := range []struct {
		holds bool
		text  string
	}{
		{p.ID == s.Node(), "it is this node"},
		{p.Cordoned, "it is cordoned"},
		{s.Avoids(p.ID), "it is avoided"},
		{p.Health == mesh.HealthUnreachable, "it is unreachable"},
		{p.Phase != mesh.PhaseUnknown && p.Phase != mesh.PhaseActive, "it is not Active"},
		{p.Full(), "it says that it holds as many chains as it may"},
	} {
		if c.holds {
			why = append(why, c.text)
		}
	}
	return "it is not given replicas: " + strings.Join(why, ", ")
}

// inAnyChain reports whether a node holds or leads a chain, so that it is known even if
// nothing was measured.
func inAnyChain(s *state.State, id mesh.NodeID) bool {
	for c := range s.Chains() {
		if c.HeldBy(id) || c.Leader == id {
			return true
		}
	}
	return false
}
