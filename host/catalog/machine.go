package catalog

import (
	"fmt"
	"slices"
	"time"
)

// phase is a phase of a plugin's life.
type phase uint8

const (
	verifying   phase = iota + 1 // its file is looked up and hashed
	starting                     // its process starts and sends its handshake
	configuring                  // it describes itself and takes its configuration
	ready                        // it takes calls
	lagging                      // a call has outlived its timeout and is still in flight
	stopping                     // the host ends
	backingOff                   // it failed; the next try is scheduled
	quarantined                  // it failed too often; a trial is scheduled
	disabled                     // its entry says so
	rejected                     // checksum, protocol or configuration were refused
)

// String returns the phase for people.
func (p phase) String() string {
	switch p {
	case verifying:
		return "verifying"
	case starting:
		return "starting"
	case configuring:
		return "configuring"
	case ready:
		return "ready"
	case lagging:
		return "lagging"
	case stopping:
		return "stopping"
	case backingOff:
		return "backing off"
	case quarantined:
		return "quarantined"
	case disabled:
		return "disabled"
	case rejected:
		return "rejected"
	}
	return "unknown"
}

// machine is the life of one plugin as a value: from what happened and when, it works out
// in which phase the plugin is and when to look again. It holds no process, reads no clock
// and starts nothing.
type machine struct {
	policy policy
	rand   func() float64 // in [0, 1)

	phase  phase
	since  time.Time // when the phase began
	reason string    // of the last failure, while it matters
	until  time.Time // next try, while backingOff or quarantined

	inARow     int         // failures since the last stable run
	recent     []time.Time // failures within the window, oldest first
	trial      bool        // one more failure means quarantine
	readySince time.Time   // when it became ready; zero if this process never was
	late       int         // calls in flight that have outlived their timeout
	restarts   uint64
	linksNode  bool // it described itself as a mesh plugin
	timeline   []moment
}

// moment is one step in a plugin's life, for people.
type moment struct {
	at   time.Time
	what string
}

// timelineLength bounds the timeline.
const timelineLength = 64

// newMachine returns the machine of a plugin that is about to be verified, or disabled.
func newMachine(now time.Time, p policy, rand func() float64, enabled bool) machine {
	m := machine{policy: p, rand: rand}
	if enabled {
		m.enter(now, verifying, "")
	} else {
		m.enter(now, disabled, "enabled = false in its entry")
	}
	return m
}

// verified records that the file is the right one.
func (m *machine) verified(now time.Time) { m.enter(now, starting, "") }

// started records that the process runs and is connected.
func (m *machine) started(now time.Time) { m.enter(now, configuring, "") }

// configured records that the process is set up: the plugin is ready.
func (m *machine) configured(now time.Time) {
	m.enter(now, ready, "")
	m.readySince, m.late = now, 0
}

// callLate records that a call has outlived its timeout.
func (m *machine) callLate(now time.Time, method string) {
	m.late++
	if m.phase == ready {
		m.enter(now, lagging, method+" has not answered in time")
	}
}

// callReturned records that a late call has returned.
func (m *machine) callReturned(now time.Time) {
	m.late--
	if m.phase == lagging && m.late == 0 {
		m.enter(now, ready, "")
	}
}

// hung reports whether the plugin has lagged for too long.
func (m *machine) hung(now time.Time) bool {
	return m.phase == lagging && now.Sub(m.since) >= m.policy.hang
}

// failed records that a try to start the plugin failed, or that its process ended.
func (m *machine) failed(now time.Time, reason string) {
	if !m.readySince.IsZero() && now.Sub(m.readySince) >= m.policy.stable {
		m.inARow, m.recent, m.trial = 0, nil, false
	}
	m.readySince, m.late = time.Time{}, 0
	m.recent = slices.DeleteFunc(m.recent, func(t time.Time) bool { return now.Sub(t) >= m.policy.window })
	m.recent = append(m.recent, now)
	if m.trial || len(m.recent) >= m.policy.limit {
		text := fmt.Sprintf("%d failures within %v, the last: %s", len(m.recent), m.policy.window, reason)
		if m.trial {
			text = "its trial failed: " + reason
		}
		m.recent = nil
		m.enter(now, quarantined, text)
		m.until = now.Add(m.shorten(m.policy.quarantine))
		return
	}
	m.enter(now, backingOff, reason)
	m.inARow++
	m.until = now.Add(m.shorten(m.policy.backoff.Jittered(m.inARow, m.rand())))
}

// shorten returns how long to wait in place of d: a mesh plugin is never left alone for long,
// since nothing else links the node with the others.
func (m *machine) shorten(d time.Duration) time.Duration {
	if m.linksNode {
		return min(d, m.policy.unlinked)
	}
	return d
}

// heldUp records that a try to start the plugin failed for want of something that the
// host or its machine has to provide. It never quarantines the plugin.
func (m *machine) heldUp(now time.Time, reason string) {
	m.readySince, m.late = time.Time{}, 0
	m.enter(now, backingOff, reason)
	m.inARow++
	m.until = now.Add(m.shorten(m.policy.backoff.Jittered(m.inARow, m.rand())))
}

// refused records that the plugin can't run until its file or configuration changes.
func (m *machine) refused(now time.Time, reason string) {
	m.readySince, m.late = time.Time{}, 0
	m.enter(now, rejected, reason)
}

// retryIn returns after how long a call that was refused may succeed; 0 if that is not
// known.
func (m *machine) retryIn(now time.Time) time.Duration {
	const soon = time.Second
	switch m.phase {
	case verifying, starting, configuring, ready, lagging:
		return soon
	case backingOff:
		return max(soon, m.until.Sub(now))
	}
	return 0
}

// due reports whether the next try should be made now.
func (m *machine) due(now time.Time) bool {
	return (m.phase == backingOff || m.phase == quarantined) && !now.Before(m.until)
}

// awaitsRetry reports whether there is no process because the last try failed.
func (m *machine) awaitsRetry() bool {
	return m.phase == rejected || m.phase == backingOff || m.phase == quarantined
}

// retry begins the next try: it is due, what was refused has changed, or somebody asked
// for it.
func (m *machine) retry(now time.Time) {
	m.trial = m.trial || m.phase == quarantined
	m.restarts++
	m.enter(now, verifying, "")
}

// changed records that the plugin has another entry, for which it is started anew.
func (m *machine) changed(now time.Time) {
	m.readySince, m.late = time.Time{}, 0
	m.restarts++
	m.enter(now, verifying, "")
	m.note(now, "its entry in meshos.toml has changed")
}

// replaced begins a try with another file than the one that failed: what was said of that one
// does not count any more.
func (m *machine) replaced(now time.Time) {
	m.inARow, m.recent, m.trial = 0, nil, false
	m.note(now, "its file was replaced")
	m.restarts++
	m.enter(now, verifying, "")
}

// stop records that the host ends the plugin.
func (m *machine) stop(now time.Time) { m.enter(now, stopping, "the host is stopping it") }

// nextCheck returns when to look again if nothing happens before.
func (m *machine) nextCheck() (time.Time, bool) {
	switch m.phase {
	case backingOff, quarantined:
		return m.until, true
	case lagging:
		return m.since.Add(m.policy.hang), true
	}
	return time.Time{}, false
}

// enter changes the phase and adds it to the timeline.
func (m *machine) enter(now time.Time, to phase, reason string) {
	m.phase, m.since, m.reason, m.until = to, now, reason, time.Time{}
	what := to.String()
	if reason != "" {
		what += ": " + reason
	}
	m.note(now, what)
}

// note adds a line to the timeline, which drops its oldest one when it is full.
func (m *machine) note(now time.Time, what string) {
	if len(m.timeline) >= timelineLength {
		m.timeline = append(m.timeline[:0], m.timeline[1:]...)
	}
	m.timeline = append(m.timeline, moment{now, what})
}
