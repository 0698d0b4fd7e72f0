package reconcile

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// complete returns the action of a want with what depends on the moment in which it is handed
// out: how long a daemon has to end, the nearest holder, and the nodes that are excluded. A
// want may have to wait, and none of that is a reason to decide anew meanwhile.
func complete(s *state.State, w want) mesh.Action {
	switch a := w.action.(type) {
	case mesh.StopDaemon:
		d, _ := s.Daemon(a.Daemon.ID)
		a.Deadline = s.Now().Add(cmp.Or(d.StopGrace, s.Policy().StopGrace))
		if d.StopAsked {
			a.Deadline = d.StopDeadline // asking again does not give it more time
		}
		return a
	case mesh.PullReplica:
		c, _ := s.Chain(a.Chain)
		a.Source, _ = s.NearestHolder(c)
		return a
	case mesh.RequestPlacement:
		c, _ := s.Chain(a.Chain)
		if w.forced != nil {
			a.Exclude = slices.DeleteFunc(slices.Clone(c.Holders), func(n mesh.NodeID) bool { return n == a.Target })
			return a
		}
		a.Exclude, a.Replaces = exclude(s, c), replaces(s, c, w)
		if a.Target != 0 {
			a.Exclude = slices.DeleteFunc(a.Exclude, func(n mesh.NodeID) bool { return n == a.Target })
		}
		return a
	}
	return w.action
}

// replaces returns the holder that a new one takes the place of: the one that a move takes the
// chain away from, else one that does not count: it is not live, or gives its replicas up. It is 0
// if there are fewer holders than desired.
func replaces(s *state.State, c state.Chain, w want) mesh.NodeID {
	if w.rebalance != nil {
		return w.rebalance.Worst
	}
	if move, under := s.Rebalancing(c.ID); under {
		return move.Worst
	}
	if !c.HasDesired || len(c.Holders) < int(c.Desired) {
		return 0
	}
	if i := slices.IndexFunc(c.Holders, func(n mesh.NodeID) bool { return !s.Live(n) }); i >= 0 {
		return c.Holders[i]
	}
	if i := slices.IndexFunc(c.Holders, s.Leaving); i >= 0 {
		return c.Holders[i]
	}
	return 0
}

// exclude returns the nodes on which the chain may not be placed, ascending: its holders
// and the nodes on which no replica may be placed.
func exclude(s *state.State, c state.Chain) []mesh.NodeID {
	out := slices.Concat(s.Barred(), c.Holders)
	slices.Sort(out)
	return slices.Compact(out)
}
