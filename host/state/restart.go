package state

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// RestartPolicy holds how long a daemon that crashed must not start again.
type RestartPolicy struct {
	Initial            time.Duration // backoff after the first crash
	Factor             float64       // by which the backoff grows with each further crash
	Max                time.Duration // greatest backoff
	CrashLoopThreshold int           // crashes within the window that close the gate for the cooldown
	CrashLoopWindow    time.Duration
	CrashLoopCooldown  time.Duration
	StableRun          time.Duration // a run of this length makes the gate forget earlier crashes
}

// with returns the policy with a daemon's own values.
func (p RestartPolicy) with(own mesh.RestartValues) RestartPolicy {
	set(&p.Initial, own.Initial)
	set(&p.Factor, own.Factor)
	set(&p.Max, own.Max)
	set(&p.CrashLoopThreshold, own.CrashLoopThreshold)
	set(&p.CrashLoopWindow, own.CrashLoopWindow)
	set(&p.CrashLoopCooldown, own.CrashLoopCooldown)
	set(&p.StableRun, own.StableRun)
	return p
}

func set[T any](at, own *T) {
	if own != nil {
		*at = *own
	}
}

// GateState is the state of a restart gate.
type GateState uint8

// The states of a gate, in the contract's order.
const (
	GateIdle GateState = iota + 1
	GateBackingOff
	GateCrashLooping
)

// Gate is the restart gate of one daemon. The zero value allows a start. Callers report
// starts and ends with their times, and ask whether a start is allowed.
type Gate struct {
	closed  GateState // why it is closed; 0 while it is open
	until   mesh.Time
	window  time.Duration // the next backoff; 0 stands for Initial
	crashes []mesh.Time   // within the crash-loop window, oldest first
	started mesh.Time
	running bool
}

// State returns GateIdle for an open gate, and otherwise why it is closed.
func (g Gate) State() GateState {
	if g.closed == 0 {
		return GateIdle
	}
	return g.closed
}

// ReleaseAt returns when a closed gate opens; ok is false for an open one.
func (g Gate) ReleaseAt() (at mesh.Time, ok bool) { return g.until, g.closed != 0 }

// Admits reports whether a start is allowed at t. A gate whose time ends at t is open.
func (g Gate) Admits(t mesh.Time) bool { return g.closed == 0 || g.until <= t }

// Started records that a run began at t, and opens the gate. A run whose end was not
// reported ends at t too.
func (g *Gate) Started(t mesh.Time, p RestartPolicy) {
	g.endRun(t, p)
	g.closed, g.until = 0, 0
	g.started, g.running = t, true
}

// Ended records that a run ended cleanly at t, and opens the gate.
func (g *Gate) Ended(t mesh.Time, p RestartPolicy) {
	g.endRun(t, p)
	g.closed, g.until = 0, 0
}

// Crashed records a crash at t and closes the gate: for a growing backoff, or for the
// cooldown once there were too many crashes within the window. Another crash within the
// window starts the cooldown again.
func (g *Gate) Crashed(t mesh.Time, p RestartPolicy) {
	g.endRun(t, p)
	cutoff := t.Add(-p.CrashLoopWindow)
	for len(g.crashes) > 0 && g.crashes[0] < cutoff {
		g.crashes = g.crashes[1:]
	}
	g.crashes = append(g.crashes, t)
	if excess := len(g.crashes) - p.CrashLoopThreshold; excess > 0 {
		// More crashes than the threshold are not needed, so this bounds the history.
		g.crashes = append([]mesh.Time(nil), g.crashes[excess:]...)
	}
	if len(g.crashes) >= p.CrashLoopThreshold {
		g.closed, g.until = GateCrashLooping, t.Add(p.CrashLoopCooldown)
		g.window = p.Initial
		return
	}
	window := max(g.window, p.Initial)
	g.closed, g.until = GateBackingOff, t.Add(window)
	g.window = grow(window, p)
}

// Release opens a gate whose time is over. It reports whether it did.
func (g *Gate) Release(t mesh.Time) bool {
	if g.closed == 0 || !g.Admits(t) {
		return false
	}
	g.closed, g.until = 0, 0
	return true
}

// Force opens the gate and forgets all crashes. It reports whether the gate was closed.
func (g *Gate) Force(p RestartPolicy) bool {
	closed := g.closed != 0
	g.closed, g.until = 0, 0
	g.reset(p)
	return closed
}

// endRun ends a run at t. It forgets earlier crashes if the run was a stable one.
func (g *Gate) endRun(t mesh.Time, p RestartPolicy) {
	if g.running && t.Sub(g.started) >= p.StableRun {
		g.reset(p)
	}
	g.running = false
}

func (g *Gate) reset(p RestartPolicy) {
	g.window = p.Initial
	g.crashes = nil
}

// grow returns the backoff after this one.
func grow(window time.Duration, p RestartPolicy) time.Duration {
	grown := float64(window) * p.Factor
	if grown >= float64(p.Max) {
		return p.Max
	}
	return time.Duration(grown)
}
