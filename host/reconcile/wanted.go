package reconcile

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// StillWanted reports whether an action that was handed out is still needed before it is
// tried again. That is not the same as deciding again: the arms count what is under way as
// done and do not want it once more.
func StillWanted(s *state.State, a mesh.Action) bool {
	switch a := a.(type) {
	case mesh.StartDaemon:
		d, ok := s.Daemon(a.Daemon.ID)
		intent, _ := s.EffectiveIntent(d)
		return ok && intent == mesh.IntentRun && d.Lifecycle != state.Running &&
			d.Outcome() == state.OutcomeNone && s.StartWaits(d) == ""
	case mesh.StopDaemon:
		d, ok := s.Daemon(a.Daemon.ID)
		intent, _ := s.EffectiveIntent(d)
		return ok && intent == mesh.IntentStop && d.Lifecycle != state.Stopped
	case mesh.ApplyBackoff:
		d, _ := s.Daemon(a.Daemon.ID)
		until, closed := d.Gate.ReleaseAt()
		return closed && until == a.Until
	case mesh.AskReload:
		d, _ := s.Daemon(a.Daemon.ID)
		return d.Lifecycle == state.Running
	case mesh.SendSignal:
		d, _ := s.Daemon(a.Daemon.ID)
		return d.Lifecycle == state.Running
	case mesh.PullReplica:
		c, ok := s.Chain(a.Chain)
		return ok && c.Hold == mesh.HoldKeep && !c.HeldBy(s.Node()) && s.MayPull() &&
			c.HeldBy(a.Source) && s.Live(a.Source)
	case mesh.DropReplica:
		c, ok := s.Chain(a.Chain)
		return ok && c.HeldBy(s.Node()) && (c.Hold == mesh.HoldDrop || s.GivesUpReplicas()) &&
			len(others(s, c, s.Node())) >= c.Required()
	case mesh.RequestPlacement:
		c, ok := s.Chain(a.Chain)
		return ok && c.Leader == s.Node() && placementWanted(s, c, a)
	case mesh.RequestEviction:
		c, ok := s.Chain(a.Chain)
		return ok && c.Leader == s.Node() && c.HeldBy(a.Victim) && evictionWanted(s, c, a)
	case mesh.TransferLeader:
		c, ok := s.Chain(a.Chain)
		d := newDiff(s)
		return ok && d.leads(c) && d.mayLead(c, a.To) && d.keepsLead(c) == "" && !d.underWay(c.ID)
	case mesh.MarkAvoid:
		return !s.Avoids(a.Peer)
	case mesh.CommitTransition:
		d := newDiff(s)
		d.maintenance()
		return slices.ContainsFunc(d.wants, func(w want) bool {
			commit, ok := w.action.(mesh.CommitTransition)
			return ok && commit.Target == a.Target
		})
	}
	return true
}

// placementWanted reports whether a placement is still needed: one for a forced order or a
// move until the target holds the chain, any other while the chain is short.
func placementWanted(s *state.State, c state.Chain, a mesh.RequestPlacement) bool {
	if a.Target == 0 {
		d := newDiff(s)
		return d.short(c) && d.mayPlace(c)
	}
	if c.HeldBy(a.Target) {
		return false
	}
	move, moving := s.Rebalancing(c.ID)
	return s.IsForced(a.Key()) || (moving && move.Target == a.Target && s.Active())
}

// evictionWanted reports whether enough other nodes hold a chain without the victim: as many
// as required, and for a forced order at least one.
func evictionWanted(s *state.State, c state.Chain, a mesh.RequestEviction) bool {
	left := len(others(s, c, a.Victim))
	return left >= c.Required() || (left > 0 && s.IsForced(a.Key()))
}

// others returns the live holders of a chain except one.
func others(s *state.State, c state.Chain, but mesh.NodeID) []mesh.NodeID {
	return slices.DeleteFunc(s.LiveHolders(c), func(n mesh.NodeID) bool { return n == but })
}
