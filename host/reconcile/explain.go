package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Finding is what one arm found about a subject, in words: the condition, its values, since
// when it holds, and what the arm waits for.
type Finding struct {
	Arm  string
	Text string
}

// Explanation explains why the arms act on a subject or do not.
type Explanation struct {
	Subject  string
	Unknown  bool // this node does not know the subject
	Findings []Finding
}

// explainer collects findings. It uses the decisions of the arms and the same state, and
// changes nothing.
type explainer struct {
	d   *diff
	s   *state.State
	out Explanation
}

// newExplainer decides about one chain (0: about none) and about all other subjects. On a
// large mesh, deciding about all chains would take too long.
func newExplainer(s *state.State, subject string, chain mesh.ChainID) *explainer {
	d := newDiff(s)
	d.scope = &scope{allDaemons: true, allPeers: true}
	if chain != 0 {
		d.scope.chains = []mesh.ChainID{chain}
	}
	e := &explainer{d: d.decide(), s: s, out: Explanation{Subject: subject}}
	if left, frozen := s.Frozen(); frozen {
		e.say("freeze", "acting is frozen for another %s, so no arm wants anything", round(left))
	}
	return e
}

func (e *explainer) say(arm, format string, args ...any) {
	e.out.Findings = append(e.out.Findings, Finding{Arm: arm, Text: fmt.Sprintf(format, args...)})
}

// keys adds a finding for each action about the subject that is wanted or was handed out.
func (e *explainer) keys(keys ...mesh.ActionKey) {
	for _, key := range keys {
		i := slices.IndexFunc(e.d.wants, func(w want) bool { return w.action.Key() == key })
		st, known := e.s.Status(key)
		switch {
		case known && st.Outstanding:
			e.say("actions", "%s was handed out %s ago as action %d and has not ended", key.Kind, round(st.Since), st.ID)
		case known && st.Failed != "" && i < 0: // it failed, and is not wanted any more
		case known && st.Failed != "":
			e.say("actions", "%s is wanted; action %d failed (%s), and it is handed out again %s", key.Kind, st.ID, st.Failed, soon(st.Quiet))
		case known && st.Quiet > 0:
			e.say("actions", "%s was done %s ago as action %d; it is not handed out again for another %s", key.Kind, round(st.Since), st.ID, round(st.Quiet))
		case i >= 0:
			e.say("actions", "%s is wanted and is handed out by the next pass", key.Kind)
		}
	}
}

// ExplainDaemon explains why a daemon is started, stopped, kept from starting or left alone.
func ExplainDaemon(s *state.State, id mesh.DaemonID) Explanation {
	d, ok := s.Daemon(id)
	if !ok {
		return unknown("daemon", uint64(id))
	}
	e := newExplainer(s, "daemon "+d.Ref.String(), 0)
	const arm = "daemons"
	intent, why := s.EffectiveIntent(d)
	switch intent {
	case mesh.IntentRun:
		e.should(d)
	case mesh.IntentStop:
		e.say(arm, "it should not run here: %s", why)
	default:
		e.say(arm, "no intent is set for it, so it is left alone")
	}
	if d.By != nil && d.By.Height > 0 {
		e.say(arm, "that it should %s was ordered %s ago (%s), until the configuration changes that; meshos daemon reset returns to the configuration",
			runOrStop(d.Intent), round(s.Now().Since(d.By.At)), d.By)
	}
	if d.Lifecycle == state.Stopped && !d.Ran() {
		e.say(arm, "it has not run since the node started")
	} else {
		e.say(arm, "it has been %s for %s", lifecycle(d.Lifecycle), round(d.Age(s.Now())))
	}
	e.process(d)
	if at, closed := d.Gate.ReleaseAt(); closed {
		what := "backing off after a crash"
		if d.Gate.State() == state.GateCrashLooping {
			what = "crash-looping"
		}
		e.say(arm, "its restart gate is closed (%s) for another %s", what, round(s.Now().Until(at)))
	}
	if waits := s.Waiting(d); waits != "" {
		e.say(arm, "it is %s", waits)
	}
	if d.StopAsked {
		e.say(arm, "it was asked to stop, and will be killed in %s", round(s.Now().Until(d.StopDeadline)))
	}
	keys := []mesh.ActionKey{mesh.StartDaemon{Daemon: d.Ref}.Key(), mesh.StopDaemon{Daemon: d.Ref}.Key()}
	if at, closed := d.Gate.ReleaseAt(); closed {
		keys = append(keys, mesh.ApplyBackoff{Daemon: d.Ref, Until: at}.Key())
	}
	e.keys(keys...)
	return e.out
}

// should adds that a daemon should run here, unless it has finished.
func (e *explainer) should(d state.Daemon) {
	const arm = "daemons"
	again := fmt.Sprintf("its restart is %s, so it is not started again; meshos daemon start %d runs it again", d.Mode(), d.Ref.ID)
	switch d.Outcome() {
	case state.OutcomeDone:
		e.say(arm, "it is done; %s", again)
	case state.OutcomeFailed:
		e.say(arm, "it failed; %s", again)
	default:
		e.say(arm, "it should run here")
	}
}

// process adds what is known of a daemon's process and of the one before.
func (e *explainer) process(d state.Daemon) {
	const arm = "process"
	if d.Rejected != "" {
		e.say(arm, "its entry in the configuration can't be used: %s; it is tried again when that is mended", d.Rejected)
	}
	if d.PID != 0 {
		e.say(arm, "it runs as process %d", d.PID)
	}
	if n := d.Restarts(); n > 0 {
		e.say(arm, "it was started again %s", times(n))
	}
	if d.LastEnd.Known() {
		what := "its process before ended"
		if d.Crashes > 0 {
			what = "it crashed " + times(uint64(d.Crashes)) + ", the last time"
		}
		why := d.LastEnd.String()
		if d.LastEnd.Unhealthy != "" {
			why = "it was stopped because it was unhealthy (" + d.LastEnd.Unhealthy + ")"
		}
		e.say(arm, "%s %s ago: %s", what, round(d.EndedFor(e.s.Now())), why)
	}
	if d.Outdated() {
		e.say(arm, "it runs with an older configuration; a restart takes over the present one")
	}
	switch {
	case d.Lifecycle != state.Running:
	case d.Health.Status != mesh.DaemonUnknown:
		e.say(arm, "it is %s", daemonHealth(d.Health))
	case !d.Checked:
		e.say(arm, "its health is not checked")
	case d.Health.Reason != "":
		e.say(arm, "its health is not known: %s", d.Health.Reason)
	default:
		e.say(arm, "its health has not been judged yet")
	}
}

// times returns "once", "2 times".
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func runOrStop(intent mesh.RunIntent) string {
	if intent == mesh.IntentRun {
		return "run"
	}
	return "stop"
}

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

func unknown(what string, id uint64) Explanation {
	return Explanation{Subject: fmt.Sprintf("%s %d", what, id), Unknown: true, Findings: []Finding{{
		Arm: "state", Text: fmt.Sprintf("this node has never heard of %s %d", what, id),
	}}}
}

func lifecycle(l state.Lifecycle) string {
	switch l {
	case state.Starting:
		return "starting"
	case state.Running:
		return "running"
	case state.Stopping:
		return "stopping"
	}
	return "stopped"
}

// daemonHealth returns how a daemon is, and why if it is not healthy.
func daemonHealth(h mesh.DaemonHealth) string {
	word := map[mesh.DaemonStatus]string{
		mesh.DaemonHealthy: "healthy", mesh.DaemonDegraded: "degraded", mesh.DaemonUnhealthy: "unhealthy",
	}[h.Status]
	if h.Reason != "" {
		word += ": " + h.Reason
	}
	return word
}

func soon(d time.Duration) string {
	if d <= 0 {
		return "by the next pass"
	}
	return "in " + round(d).String()
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
