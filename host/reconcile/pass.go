package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Result is what one pass decided.
type Result struct {
	Actions []mesh.Emitted // handed out, in order
	Dropped int            // how many wanted actions found no room
	// FirstDropped is the first action that found no room; nil if all did.
	FirstDropped mesh.Action
	// Missed is how many marks were found missing, see Reconciler.
	Missed int
}

// Pass is one tick of a node: it folds the tick, decides, and hands out at most room
// actions. An action that was handed out before and has not ended, or ended a moment ago, is
// not handed out again.
//
// It decides everything anew, and is the definition of what a Reconciler does.
func Pass(s *state.State, at mesh.Stamp, room int) Result {
	s.Tick(at)
	return pass(s, room)
}

// EarlyPass is the pass of an early tick: one that did not wait for the next regular tick.
func EarlyPass(s *state.State, at mesh.Stamp, room int) Result {
	s.EarlyTick(at)
	return pass(s, room)
}

func pass(s *state.State, room int) Result {
	var res Result
	d := decide(s)
	for _, r := range d.refusals {
		s.RefuseForced(r.order, r.reason)
	}
	wanted := make(map[mesh.ActionKey]bool, len(d.wants))
	unmet := make(map[mesh.ActionKey]bool)
	for _, w := range d.wants {
		key := w.action.Key()
		wanted[key] = true
		switch {
		case s.Outstanding(key):
		case !s.Ready(key) || held(s, w):
			unmet[key] = true
		case !res.handOut(s, w, room):
			unmet[key] = true
		}
	}
	s.Forget(func(key mesh.ActionKey) bool { return wanted[key] })
	s.EndPass(func(n mesh.NodeID) bool { return unmet[mesh.MarkAvoid{Peer: n}.Key()] })
	return res
}

// held reports whether a want waits although there is room: few leaders are handed over at once.
func held(s *state.State, w want) bool {
	a, is := w.action.(mesh.TransferLeader)
	return is && !s.MayTransfer(a, w.even)
}

// handOut hands out an action, if there is room, and reports whether there was.
func (res *Result) handOut(s *state.State, w want, room int) bool {
	if len(res.Actions) >= room {
		if res.Dropped == 0 {
			res.FirstDropped = complete(s, w)
		}
		res.Dropped++
		return false
	}
	res.Actions = append(res.Actions, s.HandOut(complete(s, w)))
	if w.forced != nil {
		s.ForcedHandedOut(*w.forced)
	}
	if w.rebalance != nil {
		s.BeginRebalance(*w.rebalance)
	}
	return true
}
