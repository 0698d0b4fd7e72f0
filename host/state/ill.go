package state

import (
	"fmt"
	"math"

	"github.com/meshos/meshos/host/mesh"
)

// daemonHealth folds what a daemon's health checks say.
func (s *State) daemonHealth(ev mesh.DaemonHealthChanged) []Effect {
	if d := s.daemons.get(ev.Daemon.ID); d != nil && d.Health == ev.Health && (ev.Daemon.Name == "" || ev.Daemon.Name == d.Ref.Name) {
		return nil
	}
	if d := s.ensureDaemon(ev.Daemon); !d.hasEnded() {
		changed := d.Health.Status != ev.Health.Status
		d.Health = ev.Health
		if changed {
			return s.soon
		}
	}
	return nil
}

// ill reports whether a daemon has to be restarted because it is unhealthy.
func (d Daemon) ill() bool {
	return d.restartUnhealthy && (d.Lifecycle == Running || d.Lifecycle == Stopping) && d.Health.Status == mesh.DaemonUnhealthy
}

// stopsAsIll reports whether a daemon is being stopped for no other reason than that it is
// unhealthy.
func (s *State) stopsAsIll(d Daemon) bool {
	if !d.ill() || d.Lifecycle != Stopping || d.Restart != RestartNone {
		return false
	}
	d.Health = mesh.DaemonHealth{}
	intent, _ := s.EffectiveIntent(d)
	return intent == mesh.IntentRun
}

// illEnded folds the end of a daemon that was stopped because it was unhealthy. It counts as
// a crash, so that the gate keeps it from being restarted for ever.
func (s *State) illEnded(d *daemon, end mesh.DaemonEnd) {
	end.Unhealthy = d.Health.Reason
	if end.Unhealthy == "" {
		end.Unhealthy = "it did not say why"
	}
	if d.stable(s.now, s.restartPolicy(d)) {
		d.Crashes = 0
	}
	d.Gate.Crashed(s.now, s.restartPolicy(d))
	d.Crashes = min(d.Crashes, math.MaxUint32-1) + 1
	s.stopped(d, end)
	s.recordFailure(fmt.Sprintf("daemon:%d", d.Ref.ID), s.crashes(d))
}
