package state

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// maxCalls bounds how many calls of one daemon wait.
const maxCalls = 16

// Call is something that a daemon's process is told once. It is an order about that process,
// so it ends with it, and does not outlive the node.
type Call struct {
	Signal string // to send; "" to reload
}

// String returns the call in words.
func (c Call) String() string {
	if c.Signal == "" {
		return "a reload"
	}
	return c.Signal
}

// action returns the action that carries out a call.
func (c Call) action(ref mesh.DaemonRef) mesh.Action {
	if c.Signal == "" {
		return mesh.AskReload{Daemon: ref}
	}
	return mesh.SendSignal{Daemon: ref, Signal: c.Signal}
}

// Reloadable reports whether the configuration says how a daemon is asked to reload.
func (d Daemon) Reloadable() bool { return d.reloadable }

// NextCall returns the action for the call of a daemon that was ordered first; nil for none.
func (d Daemon) NextCall() mesh.Action {
	if len(d.calls) == 0 || d.Lifecycle != Running {
		return nil
	}
	return d.calls[0].action(d.Ref)
}

// call orders a call. One that can't be carried out is reported and forgotten.
func (s *State) call(ref mesh.DaemonRef, c Call) {
	d := s.daemons.get(ref.ID)
	why := ""
	switch {
	case d == nil:
		return // refused before, as not known
	case d.Lifecycle != Running:
		why = "it does not run"
	case c.Signal == "" && !d.reloadable:
		why = "its entry in the configuration has neither reload_signal nor reload_command"
	case len(d.calls) >= maxCalls:
		why = fmt.Sprintf("%d others wait already", maxCalls)
	}
	if why != "" {
		s.callFailed(d, c, why)
		return
	}
	s.touchDaemon(d)
	d.calls = append(slices.Clip(d.calls), c)
}

// callFailed records that a call is not carried out, as an action that failed: that is where
// whoever ordered it looks for its outcome.
func (s *State) callFailed(d *daemon, c Call, why string) {
	s.ledger.lastID++
	s.recordAction(mesh.Emitted{ID: s.ledger.lastID, Action: c.action(d.Ref), At: s.now}, mesh.ActionFailed, mesh.Outcome{Reason: why})
	s.recordFailure(fmt.Sprintf("daemon:%d", d.Ref.ID), fmt.Sprintf("%s did not get %s: %s", d.Ref, c, why))
}

// dropCalls ends the calls of a daemon whose process has ended.
func (s *State) dropCalls(d *daemon) {
	for _, c := range d.calls {
		s.callFailed(d, c, "its process ended before")
	}
	s.touchDaemon(d)
	d.calls = nil
}

// callHandedOut notes that the first call of a daemon was handed out: it is not repeated, whatever
// becomes of it.
func (s *State) callHandedOut(ref mesh.DaemonRef) {
	if d := s.daemons.edit(ref.ID); d != nil && len(d.calls) > 0 {
		d.calls = d.calls[1:]
	}
}
