package state

import (
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// overdueAfter is how long after its deadline a daemon that does not end stops holding up
// those that end after it.
const overdueAfter = 5 * time.Second

// Before returns the daemons that are started before this one, each once.
func (d Daemon) Before() []mesh.DaemonID {
	out := slices.Clone(d.requires)
	for _, id := range d.after {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// requiredStops returns a daemon that another one requires, also by way of others, and that
// should not run, with the reason. It does not return one that crashed or is ill: that may be
// over soon, and those that require it go on meanwhile.
func (s *State) requiredStops(d Daemon, seen map[mesh.DaemonID]bool) (stops *daemon, why string) {
	for _, id := range d.requires {
		r := s.daemons.get(id)
		if r == nil || seen[id] {
			continue
		}
		seen[id] = true
		if intent, why := s.ownIntent(r.Daemon); intent == mesh.IntentStop && r.Outcome() != OutcomeDone {
			return r, why
		}
		if stops, why := s.requiredStops(r.Daemon, seen); stops != nil {
			return stops, why
		}
	}
	return nil, ""
}

// StartWaits returns what a daemon that should start waits for, in words: "db (not healthy
// yet)". It returns "" if it waits for no other daemon.
func (s *State) StartWaits(d Daemon) string {
	for _, id := range d.requires {
		if why := s.missing(id); why != "" {
			return fmt.Sprintf("%s (%s)", s.called(id), why)
		}
		if why := s.pending(id); why != "" {
			return fmt.Sprintf("%s (%s)", s.called(id), why)
		}
	}
	for _, id := range d.after {
		if s.missing(id) != "" {
			continue // the order does not matter then
		}
		if why := s.pending(id); why != "" {
			return fmt.Sprintf("%s (%s)", s.called(id), why)
		}
	}
	return ""
}

// missing returns why it can't be expected that a daemon runs soon; "" if it can.
func (s *State) missing(id mesh.DaemonID) string {
	d := s.daemons.get(id)
	if d == nil {
		return "not known"
	}
	switch d.Outcome() {
	case OutcomeDone:
		return ""
	case OutcomeFailed:
		return "failed"
	}
	judged := d.Daemon
	judged.Restart, judged.Health = RestartNone, mesh.DaemonHealth{} // one that is being restarted runs again soon
	intent, _ := s.EffectiveIntent(judged)
	switch {
	case intent != mesh.IntentRun:
		return "should not run"
	case d.Lifecycle == Running:
	case d.Rejected != "":
		return "rejected"
	case d.Gate.State() == GateCrashLooping:
		return "crash-looping"
	}
	return ""
}

// pending returns why a daemon that is expected to run is not ready yet: it is once it runs
// and, if its health is checked, is healthy; or once it is done. One that never restarts has
// to be done. It returns "" if it is ready.
func (s *State) pending(id mesh.DaemonID) string {
	d := s.daemons.get(id)
	if d == nil || d.Outcome() == OutcomeDone {
		return ""
	}
	switch d.Lifecycle {
	case Starting:
		return "starting"
	case Stopping:
		return "stopping"
	case Stopped:
		switch {
		case d.Gate.State() != GateIdle:
			return "crashed"
		case s.StartError(d.Daemon) != "":
			return "not started: " + s.StartError(d.Daemon)
		}
		return "not started yet"
	}
	switch {
	case d.Restart == RestartStop:
		return "about to be restarted"
	case d.mode == mesh.RestartNever:
		return "not done yet"
	case d.Checked && d.Health.Status == mesh.DaemonUnhealthy:
		return "unhealthy"
	case d.Checked && d.Health.Status != mesh.DaemonHealthy:
		return "not healthy yet"
	}
	return ""
}

// StopWaits returns the daemon that has to end before another one is stopped: one that is
// started after it and is to end too. It returns "" if none has to.
func (s *State) StopWaits(d Daemon) string {
	for _, id := range s.dependents[d.Ref.ID] {
		y := s.daemons.get(id)
		if y == nil || y.Lifecycle == Stopped {
			continue
		}
		if y.StopAsked && s.now.Sub(y.StopDeadline) >= overdueAfter {
			continue // it does not end, and nothing else is held up for that
		}
		if intent, _ := s.EffectiveIntent(y.Daemon); intent == mesh.IntentStop || y.Lifecycle == Stopping {
			return s.called(id)
		}
	}
	return ""
}

// Waiting returns what the start or the stop of a daemon waits for, for people: "waiting for
// db (not healthy yet)". It returns "" if it waits for no other daemon.
func (s *State) Waiting(d Daemon) string {
	own, _ := s.ownIntent(d)
	switch d.Lifecycle {
	case Stopped:
		if own != mesh.IntentRun || d.Rejected != "" || d.Outcome() != OutcomeNone {
			return ""
		}
		if why := s.StartWaits(d); why != "" {
			return "waiting for " + why
		}
	case Running, Starting:
		if intent, _ := s.EffectiveIntent(d); intent != mesh.IntentStop {
			return ""
		}
		if who := s.StopWaits(d); who != "" {
			return "waiting for " + who + " to end first"
		}
	}
	return ""
}

// called returns what people call a daemon.
func (s *State) called(id mesh.DaemonID) string {
	if d := s.daemons.get(id); d != nil && d.Ref.Name != "" {
		return d.Ref.Name
	}
	return fmt.Sprintf("daemon %d", id)
}
