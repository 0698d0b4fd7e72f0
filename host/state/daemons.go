package state

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// forgetAfter is how long a daemon that ended and is not wanted is still shown, and how long
// an order to drop a chain that no node holds is remembered.
const forgetAfter = 10 * time.Minute

// Lifecycle is the state of a daemon's process, as far as this node knows.
type Lifecycle uint8

// The lifecycles, in the contract's order.
const (
	Stopped Lifecycle = iota + 1
	Starting
	Running
	Stopping
)

// Daemon is what is known about one daemon, and what should be.
type Daemon struct {
	Ref        mesh.DaemonRef
	Lifecycle  Lifecycle
	Health     mesh.DaemonHealth
	Saturation float32
	Gate       Gate

	Intent    mesh.RunIntent
	Pin       mesh.NodeID // the only node it may run on; 0 for any
	Essential bool        // keeps running while its node is evacuated
	By        *Origin     // the order that set Intent; nil if the configuration did

	// AppliedBackoff is the release time of the backoff that was applied last; 0 for none.
	AppliedBackoff mesh.Time
	// StopDeadline is the deadline of the stop that was handed out first and is still
	// wanted. It is meaningful with StopAsked.
	StopDeadline mesh.Time
	StopAsked    bool
	StopGrace    time.Duration // from asking it to end to killing it; 0 for the policy's
	Restart      RestartOrder

	PID      int64          // 0 if no process runs, or if it is not known
	Crashes  uint32         // since it was well
	LastEnd  mesh.DaemonEnd // of the process before
	Rejected string         // why its entry in the configuration can't be used; "" if it can
	Checked  bool           // its health is checked

	since mesh.Time // when this lifecycle began
	ended mesh.Time // the later of the last exit and the last crash
	began mesh.Time // the last start
	ran   bool      // began is meaningful
	over  bool      // ended is meaningful

	starts    uint64    // that told their process
	runs      string    // the hash of what its process was started with; "" if it is not known
	file      string    // the hash of what the configuration has now; "" if it has none
	alone     bool      // with Restart: it alone was ordered to restart
	restartAt mesh.Time // when Restart was ordered
	removed   bool      // it was taken out of the configuration
	// envChanged: the files of its environment have changed since it was started.
	envChanged bool
	mode       mesh.RestartMode
	again      bool // it was ordered to run although it may have finished

	after, requires  []mesh.DaemonID
	restartUnhealthy bool
	reloadable       bool
	calls            []Call // that were ordered and not handed out yet
}

type daemon struct {
	marks.Set
	queued mesh.Time // when it is due, or earlier; 0 if it is not
	Daemon
	configured bool
	entry      mesh.ConfiguredDaemon // what the configuration says; meaningful with configured
	run        *RunOrder             // what was ordered instead; nil for nothing
	pin        *PinOrder
	fallback   Lifecycle // the lifecycle to fall back to if the stop fails
	startedAt  mesh.Time // when the start that is under way was handed out
	stoppedAt  mesh.Time // when the stop that is under way was handed out
}

// Daemons yields all daemons, by id.
func (s *State) Daemons() iter.Seq[Daemon] {
	return func(yield func(Daemon) bool) {
		for _, d := range s.daemons.all() {
			if !yield(d.Daemon) {
				return
			}
		}
	}
}

// Daemon returns one daemon; ok is false if the daemon is not known.
func (s *State) Daemon(id mesh.DaemonID) (d Daemon, ok bool) {
	if e := s.daemons.get(id); e != nil {
		return e.Daemon, true
	}
	return Daemon{}, false
}

// Age returns how long a daemon has been in its lifecycle. It is 0 for one that never ran.
func (d Daemon) Age(now mesh.Time) time.Duration {
	if since, ran := d.Since(); ran {
		return now.Since(since)
	}
	return 0
}

// Since returns since when a daemon has been in its lifecycle: a stopped one since it ended, a
// running one since it started; ok is false for one that never ran.
func (d Daemon) Since() (at mesh.Time, ok bool) {
	switch {
	case d.Lifecycle == Starting || d.Lifecycle == Stopping:
		return d.since, true
	case d.Lifecycle == Stopped && d.over:
		return d.ended, true
	}
	return d.began, d.ran
}

// ensureDaemon returns the entry of a daemon, which it creates if there is none. It takes
// over the name.
func (s *State) ensureDaemon(ref mesh.DaemonRef) *daemon {
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

// touchDaemon notes that a daemon is written to.
func (s *State) touchDaemon(d *daemon) { s.daemons.touch(d.Ref.ID, d) }

func (s *State) setLifecycle(d *daemon, to Lifecycle) {
	if d.Lifecycle == to {
		return
	}
	s.touchDaemon(d)
	d.Lifecycle, d.since = to, s.now
	if to == Stopped && d.Restart == RestartStop {
		d.Restart = RestartStart
	}
}

func (s *State) daemonStarted(ev mesh.DaemonStarted) {
	d := s.ensureDaemon(ev.Daemon)
	began := s.now
	if !ev.Since.IsZero() {
		began = s.now.Add(-max(0, s.wall.Sub(ev.Since)))
	}
	d.Gate.Started(began, s.restartPolicy(d))
	d.began, d.ran = began, true
	d.Health, d.Saturation = mesh.DaemonHealth{}, 0 // those of the process before
	d.PID, d.runs, d.envChanged, d.Rejected = ev.PID, ev.Config, false, ""
	if ev.PID != 0 {
		d.starts++
	}
	d.AppliedBackoff = 0
	if d.Lifecycle != Stopping { // a stop that was handed out during the start keeps its deadline
		d.StopAsked = false
	}
	switch {
	case d.Restart != RestartStart:
	case !ev.Since.IsZero() && began <= d.restartAt:
		d.Restart = RestartStop // an earlier run of the node started it, before the order
	default:
		d.Restart = RestartNone
	}
	d.again = false
	s.met(mesh.StartDaemon{Daemon: d.Ref}.Key())
	s.setLifecycle(d, Running)
}

func (s *State) daemonExited(ev mesh.DaemonExited) {
	d := s.ensureDaemon(ev.Daemon)
	if s.stopsAsIll(d.Daemon) {
		s.illEnded(d, ev.End)
		return
	}
	d.Gate.Ended(s.now, s.restartPolicy(d))
	d.AppliedBackoff, d.Crashes = 0, 0
	s.stopped(d, ev.End)
}

func (s *State) daemonCrashed(ev mesh.DaemonCrashed) {
	d := s.ensureDaemon(ev.Daemon)
	if d.mode.Finishes(ev.End) {
		d.Gate.Ended(s.now, s.restartPolicy(d)) // nothing has to be kept from starting
		s.stopped(d, ev.End)
		s.recordFailure(fmt.Sprintf("daemon:%d", d.Ref.ID), fmt.Sprintf("%s failed (%s), and is not started again: its restart is %s", d.Ref, ev.End, d.mode))
		return
	}
	d.Gate.Crashed(s.now, s.restartPolicy(d))
	if ev.End.Known() {
		if d.stable(s.now, s.restartPolicy(d)) {
			d.Crashes = 0
		}
		d.Crashes = min(d.Crashes, math.MaxUint32-1) + 1
	}
	outdated := d.Outdated()
	s.stopped(d, ev.End)
	if outdated { // what is started next is something else
		s.forgive(d)
	}
	if ev.End.Known() {
		s.recordFailure(fmt.Sprintf("daemon:%d", d.Ref.ID), s.crashes(d))
	}
}

func (s *State) stopped(d *daemon, end mesh.DaemonEnd) {
	d.ended, d.over = s.now, true
	d.StopAsked = false
	s.dropCalls(d)
	d.Health, d.Saturation, d.PID, d.LastEnd = mesh.DaemonHealth{}, 0, 0, end
	d.envChanged = false
	s.met(mesh.StopDaemon{Daemon: d.Ref}.Key())
	s.setLifecycle(d, Stopped)
}

// restartPolicy returns how long a daemon that crashed must not start again.
func (s *State) restartPolicy(d *daemon) RestartPolicy {
	if !d.configured {
		return s.policy.Restart
	}
	return s.policy.Restart.with(d.entry.Gate)
}

// tickDaemons goes through the daemons that were touched or are due.
func (s *State) tickDaemons() {
	for id, d := range s.daemons.touched() {
		unmarked := s.daemons.unmarked(id, d)
		touches := s.daemons.touches
		stays := s.tickDaemon(id, d)
		if unmarked && s.daemons.touches != touches {
			s.Missed(fmt.Sprintf("daemon %d", id), "what is known of it was due to change, and did not")
		}
		if stays {
			s.scheduleDaemon(id, d)
		}
	}
}

// tickDaemon opens a gate whose time is over, gives up a start or a stop that was never
// reported, and forgets a daemon that was taken out of the configuration, or that ended long
// ago and is not wanted. It reports whether the daemon is still known.
func (s *State) tickDaemon(id mesh.DaemonID, d *daemon) (stays bool) {
	if d.Gate.Release(s.now) {
		s.touchDaemon(d)
		d.AppliedBackoff = 0
	}
	if d.Crashes > 0 && d.Lifecycle == Running && d.stable(s.now, s.restartPolicy(d)) {
		s.touchDaemon(d)
		d.Crashes = 0
	}
	if d.Lifecycle == Starting && s.now.Sub(d.startedAt) >= s.policy.ActionTimeout {
		s.setLifecycle(d, Stopped)
	}
	if d.Lifecycle == Stopping && s.now.Sub(max(d.stoppedAt, d.StopDeadline)) >= s.policy.ActionTimeout {
		s.setLifecycle(d, d.fallback) // its end was never reported
	}
	if d.removed && d.Lifecycle == Stopped {
		s.removeDaemon(id, d)
		return false
	}
	wanted := d.configured || d.Intent == mesh.IntentRun || (d.Intent == mesh.IntentNone && d.Restart == RestartStart)
	if !wanted && d.Lifecycle == Stopped && d.Gate.State() == GateIdle &&
		s.now.Sub(max(d.since, d.ended)) >= forgetAfter {
		s.removeDaemon(id, d)
		return false
	}
	return true
}
