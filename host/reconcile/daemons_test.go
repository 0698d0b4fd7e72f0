package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func started(id mesh.DaemonID) mesh.Event { return mesh.DaemonStarted{Daemon: ref(id)} }
func exited(id mesh.DaemonID) mesh.Event  { return mesh.DaemonExited{Daemon: ref(id)} }
func crashed(id mesh.DaemonID) mesh.Event { return mesh.DaemonCrashed{Daemon: ref(id), Reason: "x"} }

func TestDaemonArm(t *testing.T) {
	cases := []struct {
		name string
		evs  []mesh.Event
		at   float64
		want []string
	}{
		{"Core137 wanted and stopped", []mesh.Event{intent(1, run), exited(1)}, 0, []string{"start 1"}},
		{"PIP01 wanted and never heard of", []mesh.Event{intent(1, run)}, 0, []string{"start 1"}},
		{"Core139 wanted and running", []mesh.Event{intent(1, run), started(1)}, 0, nil},
		{"Core140 unwanted and running", []mesh.Event{intent(1, stop), started(1)}, 0, []string{"stop 1 at 30s: desired intent is stop"}},
		{"Core142 pinned here", []mesh.Event{intent(1, run, this)}, 0, []string{"start 1"}},
		{"Core143 pinned elsewhere and stopped here", []mesh.Event{intent(1, run, 5)}, 0, nil},
		{"pinned elsewhere and running here", []mesh.Event{intent(1, run, 5), started(1)}, 0, []string{"stop 1 at 30s: desired intent is to run on node 5 only"}},
		{"Core145 wanted and just crashed", []mesh.Event{intent(1, run), crashed(1)}, 0, []string{"backoff 1 to 500ms"}},
		{"Core146 wanted and crashed a while ago", []mesh.Event{intent(1, run), crashed(1)}, 60, []string{"start 1"}},
		{"Core152 the gate is over exactly now", []mesh.Event{intent(1, run), crashed(1)}, 0.5, []string{"start 1"}},
		{"running without an intent", []mesh.Event{started(1)}, 0, nil},
		{"Core151 unwanted and stopped", []mesh.Event{intent(1, stop), exited(1)}, 0, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			newWorld(t).hear(c.evs...).expect(c.at, c.want...)
		})
	}
}

func TestARejectedDaemonIsNotStarted(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), mesh.DaemonRejected{Daemon: ref(1), Reason: "there is no file /bin/x"})
	w.expect(0)
	w.hear(mesh.DaemonRejected{Daemon: ref(1)})
	w.expect(1, "start 1")
}

func TestCore148_149_ABackoffIsAppliedOncePerReleaseTime(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), crashed(1))
	w.succeed(w.expect(0, "backoff 1 to 500ms")...)
	w.expect(0.1)
	w.to(0.2).hear(crashed(1))
	w.succeed(w.expect(0.2, "backoff 1 to 1.2s")...)
	w.expect(0.3)
	w.expect(1.2, "start 1")
}

func TestB1_AnEarlyCrashWaitsForItsBackoffOnly(t *testing.T) {
	w := newWorld(t).hear(intent(1, run))
	w.succeed(w.expect(0, "start 1")...)
	w.hear(started(1), crashed(1))
	w.succeed(w.expect(0.1, "backoff 1 to 500ms")...)
	w.succeed(w.expect(0.5, "start 1")...)
	w.hear(started(1), crashed(1))
	w.expect(1.5, "start 1") // a pass that came when the gate was open again
}

func TestCore151_AStartThatIsUnderWayIsStopped(t *testing.T) {
	w := newWorld(t).hear(intent(1, run))
	w.expect(0, "start 1")
	w.hear(intent(1, stop))
	w.expect(1, "stop 1 at 31s: desired intent is stop")
	w.expect(2)
	if d, _ := w.s.Daemon(1); d.Lifecycle != state.Stopping {
		t.Errorf("lifecycle %d", d.Lifecycle)
	}
}

func TestAStopIsLetFinishBeforeAStart(t *testing.T) {
	w := newWorld(t).hear(intent(1, stop), started(1))
	w.succeed(w.expect(0, "stop 1 at 30s: desired intent is stop")...)
	w.hear(intent(1, run))
	w.expect(1)
	w.to(2).hear(exited(1))
	w.expect(2, "start 1")
}

func TestB1_AStopKeepsTheDeadlineOfItsFirstEmission(t *testing.T) {
	w := newWorld(t).hear(intent(1, stop), started(1))
	w.expect(0, "stop 1 at 30s: desired intent is stop")
	w.expect(60) // no outcome: it failed
	w.expect(61, "stop 1 at 30s: desired intent is stop")
	w.hear(exited(1), started(1))
	w.succeed(w.pass(130)...)
	w.expect(200, "stop 1 at 3m50s: desired intent is stop")
}

func TestB14_RestartAllDaemons(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), started(1), intent(2, run), crashed(2))
	w.admin(mesh.RestartAllDaemons{Node: this})
	w.succeed(w.expect(0, "stop 1 at 30s: a restart of all daemons was ordered", "start 2")...)
	w.to(1).hear(exited(1), started(2))
	w.expect(1, "start 1")
	w.hear(started(1))
	w.expect(2)
}

func TestB12_EvacuationStopsAllButTheEssential(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Daemons = []mesh.ConfiguredDaemon{
			{Daemon: ref(1), Run: true}, {Daemon: ref(2), Run: true, Essential: true}, {Daemon: ref(3), Run: true},
		}
	})
	w.hear(started(1))
	w.admin(mesh.EnterMaintenance{Node: this})
	w.expect(0, "stop 1 at 30s: this node is being evacuated", "start 2")
	w.admin(mesh.ExitMaintenance{Node: this})
	w.hear(exited(1), started(2))
	w.expect(10, "start 1", "start 3")
}

func TestB12_Core197_ARunningDaemonNobodyWishesIsStoppedToo(t *testing.T) {
	w := newWorld(t).hear(started(1)).admin(mesh.EnterMaintenance{Node: this})
	w.expect(0, "stop 1 at 30s: this node is being evacuated")
}

func TestB12a_ADrainedNodeStaysEmptyWhileItIsCordoned(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), started(1))
	w.admin(mesh.Drain{Node: this})
	w.succeed(w.expect(0, "stop 1 at 30s: this node is being evacuated")...)
	w.to(1).hear(exited(1))
	w.expect(1)
	w.expect(100)
	w.admin(mesh.Uncordon{Node: this})
	w.expect(101, "start 1")
}
