package state

import (
	"iter"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// forgetAfter is how long a daemon that ended and that nobody wants is still
// shown, and how long an order to drop a chain that nobody holds is remembered.
const forgetAfter = 10 * time.Minute

// Lifecycle is where a daemon's process stands, as far as this node knows.
type Lifecycle uint8

// The lifecycles, in the contract's order.
const (
	Stopped Lifecycle = iota + 1
	Starting
	Running
	Stopping
)

// Daemon is what is known and wished of one daemon.
type Daemon struct {
	Ref        mesh.DaemonRef
	Lifecycle  Lifecycle
	Health     mesh.DaemonHealth
	Saturation float32
	Gate       Gate

	Intent    mesh.RunIntent
	Pin       mesh.NodeID // the only node it may run on; 0 for any
	Essential bool        // runs on while its node is evacuated

	// AppliedBackoff is the release time that was already applied; 0 for none.
	AppliedBackoff mesh.Time
	// StopDeadline is the deadline of the first stop that is still wanted.
	StopDeadline mesh.Time
	StopAsked    bool // StopDeadline is meaningful
	Restart      RestartOrder

	since mesh.Time // in this lifecycle
	ended mesh.Time // later of the last exit and the last crash
	began mesh.Time // last start
	ran   bool      // began is meaningful
	over  bool      // ended is meaningful
}

// RestartOrder is how far an ordered restart of a daemon is.
type RestartOrder uint8

// The steps of an ordered restart.
const (
	RestartNone RestartOrder = iota
	RestartStop
	RestartStart
)

type daemon struct {
	Daemon
	configured bool
	seen       bool      // some signal came from it
	before     Lifecycle // what a stop that fails falls back to
	startedAt  mesh.Time // when the start that is under way was handed out
	stoppedAt  mesh.Time // when the stop that is under way was handed out
}

// Daemons walks all daemons, by id.
func (s *State) Daemons() iter.Seq[Daemon] {
	return func(yield func(Daemon) bool) {
		for _, d := range s.daemons.all() {
			if !yield(d.Daemon) {
				return
			}
		}
	}
}

// Daemon gives one daemon; ok is false for one that nobody mentioned.
func (s *State) Daemon(id mesh.DaemonID) (d Daemon, ok bool) {
	if e := s.daemons.get(id); e != nil {
		return e.Daemon, true
	}
	return Daemon{}, false
}

// Age says how long a daemon has been in its lifecycle: a stopped one since it
// ended, a running one since it started; 0 for one that never ran.
func (d Daemon) Age(now mesh.Time) time.Duration {
	switch {
	case d.Lifecycle == Starting || d.Lifecycle == Stopping:
		return now.Since(d.since)
	case d.Lifecycle == Stopped && d.over:
		return now.Since(d.ended)
	case d.ran:
		return now.Since(d.began)
	}
	return 0
}

// daemonNamed gives the daemon's entry, made if needed, with the newest label.
func (s *State) daemonNamed(ref mesh.DaemonRef) *daemon {
	d := s.daemons.ensure(ref.ID)
	if d.Lifecycle == 0 {
		d.Lifecycle = Stopped
		d.since = s.now
		d.Ref.ID = ref.ID
	}
	if ref.Name != "" {
		d.Ref.Name = ref.Name
	}
	return d
}

// daemonSeen is daemonNamed for a signal of the daemon's own.
func (s *State) daemonSeen(ref mesh.DaemonRef) *daemon {
	d := s.daemonNamed(ref)
	d.seen = true
	return d
}

func (s *State) move(d *daemon, to Lifecycle) {
	if d.Lifecycle == to {
		return
	}
	d.Lifecycle, d.since = to, s.now
	if to == Stopped && d.Restart == RestartStop {
		d.Restart = RestartStart
	}
}

func (s *State) daemonStarted(ev mesh.DaemonStarted) {
	d := s.daemonSeen(ev.Daemon)
	d.Gate.Started(s.now, s.policy.Restart)
	d.began, d.ran = s.now, true
	d.AppliedBackoff = 0
	if d.Lifecycle != Stopping { // a stop that overtook this start keeps its deadline
		d.StopAsked = false
	}
	if d.Restart == RestartStart {
		d.Restart = RestartNone
	}
	s.move(d, Running)
}

func (s *State) daemonExited(ev mesh.DaemonExited) {
	d := s.daemonSeen(ev.Daemon)
	d.Gate.Ended(s.now, s.policy.Restart)
	d.AppliedBackoff = 0
	s.stopped(d)
}

func (s *State) daemonCrashed(ev mesh.DaemonCrashed) {
	d := s.daemonSeen(ev.Daemon)
	d.Gate.Crashed(s.now, s.policy.Restart)
	s.stopped(d)
}

func (s *State) stopped(d *daemon) {
	d.ended, d.over = s.now, true
	d.StopAsked = false
	s.move(d, Stopped)
}

func (s *State) daemonIntended(ev mesh.DaemonIntent) {
	d := s.daemonNamed(ev.Daemon)
	d.Intent, d.Pin = ev.Intent, ev.Node
}

// forceRestart opens a known daemon's gate and forgets its crashes.
func (s *State) forceRestart(ref mesh.DaemonRef) {
	if d := s.daemons.get(ref.ID); d != nil {
		d.Gate.Force(s.policy.Restart)
		d.AppliedBackoff = 0
	}
}

// restartAll orders a stop and a start of each running daemon and opens all gates.
func (s *State) restartAll() {
	for _, d := range s.daemons.all() {
		d.Gate.Force(s.policy.Restart)
		d.AppliedBackoff = 0
		if d.Lifecycle == Running || d.Lifecycle == Starting {
			d.Restart = RestartStop
		}
	}
}

// tickDaemons opens the gates whose time is over, gives up starts and stops that
// never came to anything, and forgets daemons that ended long ago and are not wanted.
func (s *State) tickDaemons() {
	for id, d := range s.daemons.all() {
		if d.Gate.Release(s.now) {
			d.AppliedBackoff = 0
		}
		if d.Lifecycle == Starting && s.now.Sub(d.startedAt) >= s.policy.ActionTimeout {
			s.move(d, Stopped)
		}
		if d.Lifecycle == Stopping && s.now.Sub(max(d.stoppedAt, d.StopDeadline)) >= s.policy.ActionTimeout {
			s.move(d, d.before) // its end should have been reported long ago
		}
		wanted := d.configured || d.Intent == mesh.IntentRun || (d.Intent == mesh.IntentNone && d.Restart == RestartStart)
		if !wanted && d.Lifecycle == Stopped && d.Gate.State() == GateIdle &&
			s.now.Sub(max(d.since, d.ended)) >= forgetAfter {
			s.daemons.remove(id)
		}
	}
}
