package reconcile

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// daemons starts the daemons that should run here, stops those that should not,
// and holds back those whose restart gate is closed. A daemon that nobody wishes
// anything of is left alone.
func (d *diff) daemons() {
	for daemon := range d.s.Daemons() {
		switch intent, why := d.s.Effective(daemon); intent {
		case mesh.IntentRun:
			d.run(daemon)
		case mesh.IntentStop:
			d.stop(daemon, why)
		}
	}
}

func (d *diff) run(daemon state.Daemon) {
	if daemon.Lifecycle != state.Stopped {
		return // running, on its way, or let it finish stopping first
	}
	if daemon.Gate.Admits(d.s.Now()) {
		d.do(mesh.StartDaemon{Daemon: daemon.Ref})
		return
	}
	if until, _ := daemon.Gate.ReleaseAt(); until != daemon.AppliedBackoff {
		d.do(mesh.ApplyBackoff{Daemon: daemon.Ref, Until: until})
	}
}

func (d *diff) stop(daemon state.Daemon, why string) {
	if daemon.Lifecycle != state.Running && daemon.Lifecycle != state.Starting {
		return
	}
	deadline := d.s.Now().Add(d.s.Policy().StopGrace)
	if daemon.StopAsked {
		deadline = daemon.StopDeadline // asking again gives no more time
	}
	d.do(mesh.StopDaemon{Daemon: daemon.Ref, Reason: why, Deadline: deadline})
}
