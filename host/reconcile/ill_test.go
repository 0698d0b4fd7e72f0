package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func unhealthy(id mesh.DaemonID) mesh.Event {
	return mesh.DaemonHealthChanged{Daemon: ref(id), Health: mesh.DaemonHealth{Status: mesh.DaemonUnhealthy, Reason: "refused"}}
}

// illWorld has a daemon that is restarted when it is unhealthy, and one that requires it.
func illWorld(t *testing.T) *world {
	return newWorld(t, chained(func(first, second *mesh.ConfiguredDaemon) {
		first.Checked, first.RestartUnhealthy, second.Requires = true, true, []mesh.DaemonID{1}
	})).hear(started(1), healthy(1), started(2))
}

func TestAnIllDaemonIsRestartedThroughItsGate(t *testing.T) {
	w := illWorld(t).hear(unhealthy(1))
	w.succeed(w.expect(0, "stop 1 at 30s: it is unhealthy: refused")...)
	w.to(1).hear(exited(1))
	w.succeed(w.expect(1, "backoff 1 to 1.5s")...)
	w.succeed(w.expect(1.5, "start 1")...)
	if d, _ := w.s.Daemon(1); d.Crashes != 1 || d.LastEnd.Unhealthy != "refused" {
		t.Errorf("%d crashes, last end %v", d.Crashes, d.LastEnd)
	}
}

func TestAnIllDaemonThatRecoversIsLeftAlone(t *testing.T) {
	w := illWorld(t).hear(unhealthy(1), healthy(1))
	w.expect(0)
	// A stop that is under way is not taken back, but its end counts as no crash.
	w.hear(unhealthy(1))
	w.succeed(w.expect(1, "stop 1 at 31s: it is unhealthy: refused")...)
	w.to(2).hear(healthy(1), exited(1))
	w.expect(2, "start 1")
}

func TestAnOrderedStopOfAnIllDaemonIsNoCrash(t *testing.T) {
	w := illWorld(t).hear(unhealthy(1)).admin(mesh.RestartDaemon{Node: this, Daemon: ref(1)})
	w.succeed(w.expect(0, "stop 2 at 30s: it requires 1 (d): a restart of it was ordered")...)
	w.to(1).hear(exited(2))
	w.succeed(w.expect(1, "stop 1 at 31s: a restart of it was ordered")...)
	w.to(2).hear(exited(1))
	w.expect(2, "start 1")
	if d, _ := w.s.Daemon(1); d.Gate.State() != state.GateIdle || d.Crashes != 0 {
		t.Errorf("gate %d, %d crashes", d.Gate.State(), d.Crashes)
	}
}

func TestLeavingMaintenanceWaitsForAnIllDaemon(t *testing.T) {
	w := illWorld(t).admin(mesh.EnterMaintenance{Node: this})
	w.succeed(w.pass(0)...)
	w.to(1).hear(exited(2))
	w.succeed(w.pass(1)...)
	w.to(2).hear(exited(1))
	w.succeed(w.pass(2)...)
	w.admin(mesh.ExitMaintenance{Node: this})
	w.succeed(w.pass(10)...)
	w.to(11).hear(started(1), healthy(1))
	w.succeed(w.pass(11)...)
	w.to(12).hear(started(2), unhealthy(1))
	w.pass(12)
	if got := w.s.WaitingFor(); len(got) != 1 || got[0] != "daemon 1 (d)" {
		t.Errorf("waiting for %v", got)
	}
}
