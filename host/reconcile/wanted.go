package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// StillWanted says whether the reason of an action that was handed out and is
// about to be tried again still holds. It is not the same as being in the Diff,
// which holds nothing that is under way.
func StillWanted(s *state.State, a mesh.Action) bool {
	switch a := a.(type) {
	case mesh.StartDaemon:
		d, ok := s.Daemon(a.Daemon.ID)
		intent, _ := s.Effective(d)
		return ok && intent == mesh.IntentRun && d.Lifecycle != state.Running
	case mesh.StopDaemon:
		d, ok := s.Daemon(a.Daemon.ID)
		intent, _ := s.Effective(d)
		return ok && intent == mesh.IntentStop && d.Lifecycle != state.Stopped
	case mesh.PullReplica:
		c, ok := s.Chain(a.Chain)
		return ok && c.Hold == mesh.HoldKeep && !c.HeldBy(s.Node()) && s.Pulls()
	case mesh.DropReplica:
		c, ok := s.Chain(a.Chain)
		return ok && c.HeldBy(s.Node()) && (c.Hold == mesh.HoldDrop || s.GivesUpReplicas()) &&
			len(newDiff(s).othersLive(c)) >= c.Wanted()
	case mesh.RequestPlacement:
		c, ok := s.Chain(a.Chain)
		return ok && c.Leader == s.Node() && (a.Target == 0 || !c.HeldBy(a.Target))
	case mesh.RequestEviction:
		c, ok := s.Chain(a.Chain)
		return ok && c.Leader == s.Node() && c.HeldBy(a.Victim)
	case mesh.MarkAvoid:
		return !s.Avoids(a.Peer)
	case mesh.CommitTransition:
		return s.Maintenance().Phase != a.Target
	}
	return true
}
