package state

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// RestartPolicy says how a daemon that crashes is slowed down.
type RestartPolicy struct {
	Initial            time.Duration // backoff after the first crash
	Factor             float64       // growth per further crash
	Max                time.Duration // cap of the backoff
	CrashLoopThreshold int           // crashes within the window that close the gate for the cooldown
	CrashLoopWindow    time.Duration
	CrashLoopCooldown  time.Duration
	StableRun          time.Duration // a run of this length forgives earlier crashes
}

// DefaultRestartPolicy gives the documented defaults.
func DefaultRestartPolicy() RestartPolicy {
	return RestartPolicy{
		Initial:            500 * time.Millisecond,
		Factor:             2,
		Max:                time.Minute,
		CrashLoopThreshold: 5,
		CrashLoopWindow:    time.Minute,
		CrashLoopCooldown:  5 * time.Minute,
		StableRun:          time.Minute,
	}
}

// GateState is what a restart gate says.
type GateState uint8

// The states of a gate, in the contract's order.
const (
	GateIdle GateState = iota + 1
	GateBackingOff
	GateCrashLooping
)

// Gate is the restart gate of one daemon. The zero value allows a start. It
// holds no process and reads no clock: callers report starts and ends with their
// times and ask whether a start is allowed.
type Gate struct {
	closed  GateState // why it is closed; 0 while open
	until   mesh.Time
	window  time.Duration // of the next backoff; 0 stands for Initial
	crashes []mesh.Time   // within the crash-loop window, oldest first
	started mesh.Time
	running bool
}

// State says whether the gate is closed, and why.
func (g Gate) State() GateState {
	if g.closed == 0 {
		return GateIdle
	}
	return g.closed
}

// ReleaseAt gives when a closed gate opens; ok is false for an open one.
func (g Gate) ReleaseAt() (at mesh.Time, ok bool) { return g.until, g.closed != 0 }

// Admits says whether a start is allowed at t. A gate whose time is exactly over
// is open.
func (g Gate) Admits(t mesh.Time) bool { return g.closed == 0 || g.until <= t }

// Started records that a run began at t, and opens the gate. A run whose end nobody
// reported ends with it.
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

// Crashed records a crash at t and closes the gate: for a growing backoff, or
// for the cooldown once there were too many crashes within the window. Another
// crash within the window starts the cooldown anew.
func (g *Gate) Crashed(t mesh.Time, p RestartPolicy) {
	g.endRun(t, p)
	cutoff := t.Add(-p.CrashLoopWindow)
	for len(g.crashes) > 0 && g.crashes[0] < cutoff {
		g.crashes = g.crashes[1:]
	}
	g.crashes = append(g.crashes, t)
	if excess := len(g.crashes) - p.CrashLoopThreshold; excess > 0 {
		// More than the threshold says nothing new; this bounds the history.
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

// Release opens a gate whose time is over, and says whether it did.
func (g *Gate) Release(t mesh.Time) bool {
	if g.closed == 0 || !g.Admits(t) {
		return false
	}
	g.closed, g.until = 0, 0
	return true
}

// Force opens the gate and forgets all crashes, and says whether it was closed.
func (g *Gate) Force(p RestartPolicy) bool {
	closed := g.closed != 0
	g.closed, g.until = 0, 0
	g.reset(p)
	return closed
}

// Window gives the backoff that the next crash would meet.
func (g Gate) Window(p RestartPolicy) time.Duration { return max(g.window, p.Initial) }

// endRun forgives earlier crashes when the run that ends at t was a stable one.
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

// grow multiplies a backoff, within the policy's cap.
func grow(window time.Duration, p RestartPolicy) time.Duration {
	grown := float64(window) * p.Factor
	if grown >= float64(p.Max) {
		return p.Max
	}
	return time.Duration(grown)
}
