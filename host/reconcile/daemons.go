package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// daemons starts the daemons that should run here, stops those that should not,
// and holds back those whose restart gate is closed. A daemon that nobody wishes
// anything of is left alone.
func daemons(s *state.State, out []mesh.Action) []mesh.Action {
	for d := range s.Daemons() {
		switch intent, why := s.Effective(d); intent {
		case mesh.IntentRun:
			out = run(s, d, out)
		case mesh.IntentStop:
			out = stop(s, d, why, out)
		}
	}
	return out
}

func run(s *state.State, d state.Daemon, out []mesh.Action) []mesh.Action {
	switch {
	case d.Lifecycle != state.Stopped:
		return out // running, on its way, or let it finish stopping first
	case d.Gate.Admits(s.Now()):
		return append(out, mesh.StartDaemon{Daemon: d.Ref})
	}
	until, _ := d.Gate.ReleaseAt()
	if d.AppliedBackoff == until {
		return out
	}
	return append(out, mesh.ApplyBackoff{Daemon: d.Ref, Until: until})
}

func stop(s *state.State, d state.Daemon, why string, out []mesh.Action) []mesh.Action {
	if d.Lifecycle != state.Running && d.Lifecycle != state.Starting {
		return out
	}
	deadline := s.Now().Add(s.Policy().StopGrace)
	if d.StopAsked {
		deadline = d.StopDeadline // asking again gives no more time
	}
	return append(out, mesh.StopDaemon{Daemon: d.Ref, Reason: why, Deadline: deadline})
}
