package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// daemons starts the daemons that should run here, stops those that should not, and applies
// a backoff to those whose restart gate is closed. A daemon without an intent is left alone.
func (d *diff) daemons() {
	for daemon := range d.daemonsToDecide() {
		switch intent, why := d.s.EffectiveIntent(daemon); intent {
		case mesh.IntentRun:
			d.runDaemon(daemon)
			d.callDaemon(daemon)
		case mesh.IntentStop:
			d.stopDaemon(daemon, why)
		default:
			d.callDaemon(daemon)
		}
	}
}

func (d *diff) runDaemon(daemon state.Daemon) {
	if daemon.Lifecycle != state.Stopped {
		return // it runs, is starting, or has to finish stopping first
	}
	if daemon.Rejected != "" {
		return // it can't be started until that is taken back
	}
	if daemon.Outcome() != state.OutcomeNone {
		return // its work is done, or has failed
	}
	if daemon.Gate.Admits(d.s.Now()) {
		if d.s.StartWaits(daemon) != "" {
			return // for a daemon that is started before it
		}
		d.add(mesh.StartDaemon{Daemon: daemon.Ref})
		return
	}
	if until, _ := daemon.Gate.ReleaseAt(); until != daemon.AppliedBackoff {
		d.add(mesh.ApplyBackoff{Daemon: daemon.Ref, Until: until})
	}
}

// callDaemon asks a daemon for the reload, or sends it the signal, that was ordered first.
func (d *diff) callDaemon(daemon state.Daemon) {
	if call := daemon.NextCall(); call != nil {
		d.add(call)
	}
}

func (d *diff) stopDaemon(daemon state.Daemon, why string) {
	if daemon.Lifecycle != state.Running && daemon.Lifecycle != state.Starting {
		return
	}
	if !daemon.StopAsked && d.s.StopWaits(daemon) != "" {
		return // for a daemon that ends before it
	}
	d.add(mesh.StopDaemon{Daemon: daemon.Ref, Reason: why})
}
