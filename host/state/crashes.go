package state

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Restarts returns how often a daemon was started again.
func (d Daemon) Restarts() uint64 { return max(1, d.starts) - 1 }

// Ran reports whether a daemon has run, as far as this node knows.
func (d Daemon) Ran() bool { return d.ran || d.over }

// EndedFor returns how long ago the last process of a daemon ended.
func (d Daemon) EndedFor(now mesh.Time) time.Duration { return now.Since(d.ended) }

// Outdated reports whether a daemon's process was started with something else than what the
// configuration, and the files from which its environment is read, have now.
func (d Daemon) Outdated() bool {
	return d.Lifecycle != Stopped && (d.envChanged || d.runs != "" && d.file != "" && d.runs != d.file)
}

// hasEnded reports whether a daemon's process has ended, so that it has no health.
func (d Daemon) hasEnded() bool { return d.Lifecycle == Stopped && d.over }

// stable reports whether the last run has been long enough for earlier crashes to be
// forgotten.
func (d Daemon) stable(now mesh.Time, p RestartPolicy) bool {
	return d.ran && (!d.over || d.began >= d.ended) && now.Sub(d.began) >= p.StableRun
}

// StartError returns why a daemon's last start failed, and "" if it did not.
func (s *State) StartError(d Daemon) string {
	e := s.ledger.entries[mesh.StartDaemon{Daemon: d.Ref}.Key()]
	if e == nil || e.backoff == 0 {
		return ""
	}
	return e.reason
}

// NextStart returns when a daemon that should run is started again; waits is false if it
// does not wait for a time.
func (s *State) NextStart(d Daemon) (at mesh.Time, waits bool) {
	if intent, _ := s.EffectiveIntent(d); intent != mesh.IntentRun || d.Lifecycle != Stopped || d.Rejected != "" || d.Outcome() != OutcomeNone {
		return 0, false
	}
	at, _ = d.Gate.ReleaseAt()
	if e := s.ledger.entries[mesh.StartDaemon{Daemon: d.Ref}.Key()]; e != nil && e.phase != outstanding {
		at = max(at, e.until)
	}
	return at, at > s.now
}

// daemonRejected folds whether a daemon can be started at all.
func (s *State) daemonRejected(ev mesh.DaemonRejected) {
	d := s.ensureDaemon(ev.Daemon)
	if ev.Reason != "" && ev.Reason != d.Rejected {
		s.recordFailure(fmt.Sprintf("daemon:%d", d.Ref.ID), fmt.Sprintf("%s is rejected: %s", d.Ref, ev.Reason))
	}
	if ev.Reason == "" && d.Rejected != "" {
		s.forgive(d) // it was repaired
	}
	d.Rejected = ev.Reason
}

// forgive opens a daemon's gate, and forgets its crashes and failed starts: they were those of
// something else than what is started next.
func (s *State) forgive(d *daemon) {
	s.touchDaemon(d)
	d.Gate.Force(s.restartPolicy(d))
	d.AppliedBackoff, d.Crashes = 0, 0
	if key := (mesh.StartDaemon{Daemon: d.Ref}).Key(); !s.Outstanding(key) {
		s.forgetKey(key)
	}
}

// crashes describes the crashes of a daemon that has just crashed: `1 (demo) crashed 4 times
// (exit 3: "boom"), again in 3s`.
func (s *State) crashes(d *daemon) string {
	what, why := "crashed", d.LastEnd.String()
	if d.LastEnd.Unhealthy != "" {
		what, why = "was unhealthy", d.LastEnd.Unhealthy
	}
	if d.Crashes > 1 {
		what += fmt.Sprintf(" %d times", d.Crashes)
	}
	text := fmt.Sprintf("%s %s (%s)", d.Ref, what, why)
	if at, waits := s.NextStart(d.Daemon); waits {
		text += fmt.Sprintf(", again in %s", readable(s.now.Until(at)))
	}
	return text
}

// restartReason returns why a daemon that is being restarted is stopped.
func (d Daemon) restartReason() string {
	if d.alone {
		return "a restart of it was ordered"
	}
	return "a restart of all daemons was ordered"
}

// restoreCrashes takes over what was told of a daemon's crashes before the restart.
func (s *State) restoreCrashes(d *daemon, g GateOrder) {
	s.touchDaemon(d)
	d.Crashes, d.LastEnd = g.Count, g.LastEnd
	if g.LastEnd.Known() {
		d.ended, d.over = s.now.Add(-max(0, s.wall.Sub(g.LastEnd.At))), true
	}
}
