package reconcile

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

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
