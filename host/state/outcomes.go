package state

import (
	"cmp"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// applyOutcome folds the outcome of an action, and reports whether the action has ended with
// it. The outcome of an action that is not outstanding any more comes too late and is ignored.
func (s *State) applyOutcome(in mesh.Outcome) (ended bool) {
	e := s.ledger.of(in.ID)
	if e == nil || e.phase != outstanding {
		return false
	}
	if !in.Final {
		e.heard = s.now
		return false
	}
	switch {
	case in.OK:
		s.succeeded(e)
	case in.Reason == mesh.ReasonNotWanted:
		s.withdrawn(e, in)
	default:
		s.failed(e, in)
	}
	return true
}

// withdrawn folds the end of an action that was not needed any more and was not carried
// out. Nothing went wrong, and the action may be handed out again at once.
func (s *State) withdrawn(e *ledgerEntry, in mesh.Outcome) {
	s.forgetKey(e.emitted.Action.Key())
	s.recordAction(e.emitted, mesh.ActionFailed, in)
	if e.forced != nil && s.unmet(*e.forced) {
		s.recordFailure(e.forced.source(), fmt.Sprintf("withdrawn before it was tried again: %s", in.Reason))
	}
	s.fallBack(e.emitted.Action)
}

// withdraw ends the outstanding action of a key, if there is one. Its outcome will be
// ignored.
func (s *State) withdraw(key mesh.ActionKey, reason string) {
	if e := s.ledger.entries[key]; e != nil && e.phase == outstanding {
		s.withdrawn(e, mesh.Outcome{Reason: reason})
	}
}

func (s *State) succeeded(e *ledgerEntry) {
	e.phase, e.until, e.backoff = settling, s.now.Add(s.policy.Settle), 0
	s.touchKey(e)
	s.dueAt(e.until, dueAction, uint64(e.emitted.ID))
	s.recordAction(e.emitted, mesh.ActionDispatched, mesh.Outcome{})
	switch a := e.emitted.Action.(type) {
	case mesh.MarkAvoid:
		s.avoidPeer(a)
		e.met = true
	case mesh.ApplyBackoff:
		if d := s.daemons.edit(a.Daemon.ID); d != nil {
			d.AppliedBackoff = a.Until
		}
		e.met = true
	case mesh.CommitTransition:
		s.committed(a)
		e.met = true
	case mesh.AskReload, mesh.SendSignal:
		e.met = true // the next one is another order
	}
	s.forgetMet(e)
}

// met notes that what the action of a key is for was reported, so that its reason is gone
// also if the next pass finds a new one.
func (s *State) met(key mesh.ActionKey) {
	if e := s.ledger.entries[key]; e != nil {
		e.met = true
		s.touchKey(e)
		s.forgetMet(e)
	}
}

// forgetMet forgets the key of an action that succeeded and whose reason is gone.
func (s *State) forgetMet(e *ledgerEntry) {
	if e.phase == settling && e.met {
		s.forgetKey(e.emitted.Action.Key())
	}
}

func (s *State) failed(e *ledgerEntry, in mesh.Outcome) {
	e.backoff = min(max(2*e.backoff, firstBackoff), maxBackoff)
	e.reason = cmp.Or(in.Reason, "it failed without a reason")
	e.phase, e.until = waiting, s.now.Add(e.backoff)
	s.touchKey(e)
	s.dueAt(e.until, dueAction, uint64(e.emitted.ID))
	end := mesh.ActionFailed
	if in.Gated {
		end = mesh.ActionGated
	}
	s.recordAction(e.emitted, end, in)
	s.recordFailure(fmt.Sprintf("action:%d", e.emitted.ID), describe(e.emitted.Action)+": "+e.reason)
	s.fallBack(e.emitted.Action)
}

// fallBack sets a daemon's lifecycle back to what it was before the action was handed out.
func (s *State) fallBack(a mesh.Action) {
	switch a := a.(type) {
	case mesh.StartDaemon:
		d := s.daemons.edit(a.Daemon.ID)
		switch {
		case d == nil:
		case d.Lifecycle == Starting:
			s.setLifecycle(d, Stopped)
		case d.Lifecycle == Stopping && d.fallback == Starting:
			d.fallback = Stopped // the start failed, so it must not come back if the stop fails too
		}
	case mesh.StopDaemon:
		if d := s.daemons.edit(a.Daemon.ID); d != nil && d.Lifecycle == Stopping {
			s.setLifecycle(d, d.fallback)
		}
	}
}
