package state_test

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func (w *world) phase() mesh.MaintenancePhase { return w.s.Maintenance().Phase }

func (w *world) observe(p mesh.MaintenancePhase) {
	w.hear(mesh.MaintenanceObserved{Node: this, Phase: p, Reason: "said so"})
}

// paths lists the commands and observations that lead from Active to each phase.
var paths = map[mesh.MaintenancePhase][]mesh.MaintenancePhase{
	mesh.PhaseActive:      {},
	mesh.PhaseEntering:    {mesh.PhaseEntering},
	mesh.PhaseMaintenance: {mesh.PhaseEntering, mesh.PhaseMaintenance},
	mesh.PhaseExiting:     {mesh.PhaseEntering, mesh.PhaseMaintenance, mesh.PhaseExiting},
	mesh.PhaseDrainFailed: {mesh.PhaseEntering, mesh.PhaseDrainFailed},
	mesh.PhaseRecovery:    {mesh.PhaseEntering, mesh.PhaseMaintenance, mesh.PhaseExiting, mesh.PhaseRecovery},
}

// The cases core 20 to 38: which observed phase may follow which.
func TestCore020to038_Successors(t *testing.T) {
	const (
		A = mesh.PhaseActive
		E = mesh.PhaseEntering
		M = mesh.PhaseMaintenance
		X = mesh.PhaseExiting
		D = mesh.PhaseDrainFailed
		R = mesh.PhaseRecovery
	)
	accepted := map[mesh.MaintenancePhase][]mesh.MaintenancePhase{
		A: {A, E}, E: {E, M, D}, M: {M, X, D}, X: {X, R}, D: {X, D}, R: {A, R},
	}
	all := []mesh.MaintenancePhase{A, E, M, X, D, R}
	for from, ok := range accepted {
		for _, to := range all {
			w := newWorld(t)
			for _, p := range paths[from] {
				w.observe(p)
			}
			if w.phase() != from {
				t.Fatalf("the way to phase %d ends in %d", from, w.phase())
			}
			w.observe(to)
			want := from
			for _, p := range ok {
				if p == to {
					want = to
				}
			}
			if w.phase() != want {
				t.Errorf("from %d observing %d: got %d, want %d", from, to, w.phase(), want)
			}
		}
	}
}

func TestCore016_019_FreshAndNot(t *testing.T) {
	w := newWorld(t)
	m := w.s.Maintenance()
	if m.Phase != mesh.PhaseActive || m.HasSince || m.HasDeadline {
		t.Errorf("fresh: %+v", m)
	}
	w.to(3).admin(mesh.EnterMaintenance{Node: this})
	m = w.s.Maintenance()
	if m.Phase != mesh.PhaseEntering || !m.HasSince || m.Since != sec(3) {
		t.Errorf("Core017, Core115: %+v", m)
	}
}

func TestCore113_AnotherNodesPhaseIsAMirror(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.EnterMaintenance{Node: 99})
	equal(t, "entering", w.peer(99).Phase, mesh.PhaseEntering)
	w.admin(mesh.ExitMaintenance{Node: 99})
	equal(t, "exiting", w.peer(99).Phase, mesh.PhaseExiting)
	w.hear(mesh.MaintenanceObserved{Node: 99, Phase: mesh.PhaseRecovery})
	equal(t, "observed", w.peer(99).Phase, mesh.PhaseRecovery)
	equal(t, "this node", w.phase(), mesh.PhaseActive)
}

func TestCore116_B12_Deadlines(t *testing.T) {
	w := newWorld(t)
	w.to(1).admin(mesh.EnterMaintenance{Node: this, DrainFor: window(time.Minute)})
	equal(t, "with a window", w.s.Maintenance().Deadline, sec(61))
	w = newWorld(t)
	w.to(1).admin(mesh.EnterMaintenance{Node: this})
	equal(t, "B12 without one", w.s.Maintenance().Deadline, sec(601))
	w = newWorld(t)
	w.to(1).hear(mesh.MaintenanceObserved{Node: this, Phase: mesh.PhaseEntering})
	equal(t, "B12 observed without one", w.s.Maintenance().Deadline, sec(601))
	w.to(2).hear(mesh.MaintenanceObserved{Node: this, Phase: mesh.PhaseEntering, Deadline: window(5 * time.Second)})
	equal(t, "observed again", w.s.Maintenance().Deadline, sec(7))
	equal(t, "since", w.s.Maintenance().Since, sec(1))
}

func TestB13_Core127_EnteringAgainOnlyReplacesTheDeadline(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.EnterMaintenance{Node: this, DrainFor: window(time.Minute)})
	w.to(10).admin(mesh.EnterMaintenance{Node: this, DrainFor: window(time.Hour)})
	m := w.s.Maintenance()
	equal(t, "since", m.Since, sec(0))
	equal(t, "deadline", m.Deadline, sec(10+3600))
	w.observe(mesh.PhaseMaintenance)
	w.to(20).admin(mesh.EnterMaintenance{Node: this})
	equal(t, "in maintenance it stays there", w.phase(), mesh.PhaseMaintenance)
	equal(t, "since", w.s.Maintenance().Since, sec(10))
}

func TestCore118_119_121_B13_Core122_Exits(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.ExitMaintenance{Node: this})
	equal(t, "Core119 from Active", w.phase(), mesh.PhaseActive)
	for _, from := range []mesh.MaintenancePhase{mesh.PhaseEntering, mesh.PhaseMaintenance, mesh.PhaseDrainFailed} {
		w := newWorld(t)
		for _, p := range paths[from] {
			w.observe(p)
		}
		w.admin(mesh.ExitMaintenance{Node: this})
		equal(t, "exit", w.phase(), mesh.PhaseExiting)
	}
}

func TestB2_Core125_ARejectedObservationLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	w.observe(mesh.PhaseRecovery)
	equal(t, "local", w.phase(), mesh.PhaseActive)
	load := 1.0
	w.samples(inventory("i", mesh.Inventory{Node: this, CPULoad1m: &load}))
	equal(t, "shown", w.peer(this).Phase, mesh.PhaseActive)
}

func TestB2_ACommitThatSucceededMovesThePhase(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.EnterMaintenance{Node: this})
	e := w.s.HandOut(mesh.CommitTransition{Node: this, Target: mesh.PhaseDrainFailed, Reason: "drain deadline elapsed"})
	equal(t, "handed out", w.phase(), mesh.PhaseEntering)
	w.to(4).input(mesh.Outcome{ID: e.ID, OK: true, Final: true})
	equal(t, "done", w.phase(), mesh.PhaseDrainFailed)
	equal(t, "reason", w.s.Maintenance().Reason, "drain deadline elapsed")
	equal(t, "since", w.s.Maintenance().Since, sec(4))
	e = w.s.HandOut(mesh.CommitTransition{Node: this, Target: mesh.PhaseRecovery})
	w.input(mesh.Outcome{ID: e.ID, OK: true, Final: true})
	equal(t, "no successor", w.phase(), mesh.PhaseDrainFailed)
}

func TestB12_AnEvacuatingNodeStopsWhatIsNotEssential(t *testing.T) {
	w := newWorld(t)
	w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{
		{Daemon: ref(1), Run: true}, {Daemon: ref(2), Run: true, Essential: true},
	}}})
	w.hear(mesh.DaemonStarted{Daemon: ref(3)}, added(7, this), added(8, 5))
	intents := func() (out [4]mesh.RunIntent) {
		for id := mesh.DaemonID(1); id <= 3; id++ {
			out[id], _ = w.s.EffectiveIntent(w.daemon(id))
		}
		return out
	}
	const run, stop, none = mesh.IntentRun, mesh.IntentStop, mesh.IntentNone
	equal(t, "active", intents(), [4]mesh.RunIntent{0, run, run, none})
	for _, step := range []struct {
		phase mesh.MaintenancePhase
		want  [4]mesh.RunIntent
	}{
		{mesh.PhaseEntering, [4]mesh.RunIntent{0, stop, run, stop}},
		{mesh.PhaseMaintenance, [4]mesh.RunIntent{0, stop, run, stop}},
		{mesh.PhaseExiting, [4]mesh.RunIntent{0, run, run, none}},
		{mesh.PhaseRecovery, [4]mesh.RunIntent{0, run, run, none}},
	} {
		w.observe(step.phase)
		equal(t, "phase", w.phase(), step.phase)
		equal(t, "intents", intents(), step.want)
	}
	w = newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(3)}, added(7, this))
	w.admin(mesh.EnterMaintenance{Node: this})
	equal(t, "waits for", strings.Join(w.s.WaitingFor(), ", "), "chain 7, daemon 3 (d)")
}

func TestB12a_DrainEvacuatesWithoutLeavingActive(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(3)}, mesh.DaemonIntent{Daemon: ref(3), Intent: mesh.IntentRun}, added(7, this))
	w.admin(mesh.Drain{Node: this, DrainFor: time.Minute})
	m := w.s.Maintenance()
	if m.Phase != mesh.PhaseActive || !m.Draining || !m.Cordoned || m.Deadline != sec(60) {
		t.Errorf("%+v", m)
	}
	equal(t, "waits for", strings.Join(w.s.WaitingFor(), ", "), "chain 7, daemon 3 (d)")
	w.tick(59)
	equal(t, "failures before the window is over", len(w.s.Failures()), 0)
	w.tick(60)
	w.tick(61)
	equal(t, "one failure", len(w.s.Failures()), 1)
	equal(t, "reason", w.lastFailure().Reason, "the drain is not over after 1m0s and goes on: waiting for chain 7, daemon 3 (d)")
	equal(t, "source", w.lastFailure().Source, "drain:100")
	w.hear(removed(7, this), mesh.DaemonExited{Daemon: ref(3)})
	w.tick(62)
	m = w.s.Maintenance()
	equal(t, "draining", m.Draining, false)
	equal(t, "cordoned", m.Cordoned, true)
	intent, _ := w.s.EffectiveIntent(w.daemon(3))
	equal(t, "stays away while cordoned", intent, mesh.IntentStop)
	w.admin(mesh.Uncordon{Node: this})
	intent, _ = w.s.EffectiveIntent(w.daemon(3))
	equal(t, "comes back", intent, mesh.IntentRun)
}

func TestB12a_AReplicaThatComesToADrainedNodeIsGivenUpToo(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.Drain{Node: this, DrainFor: time.Minute})
	w.tick(1)
	equal(t, "draining, without anything", w.s.Maintenance().Draining, false)
	w.hear(added(7, this)) // it was on its way, or nobody had said so yet
	w.tick(100)
	m := w.s.Maintenance()
	if !m.Draining || !m.HasSince || m.Since != sec(100) || m.Deadline <= sec(100) || !w.s.Leaving(this) {
		t.Errorf("%+v", m)
	}
	w.hear(removed(7, this))
	w.tick(101)
	equal(t, "draining, once it is gone", w.s.Maintenance().Draining, false)
	equal(t, "cordoned", w.s.Maintenance().Cordoned, true)
}

func TestB12a_UncordonEndsADrainAndEnterMaintenanceTakesOver(t *testing.T) {
	w := newWorld(t)
	w.hear(added(7, this))
	w.admin(mesh.Drain{Node: this, DrainFor: time.Minute}, mesh.Uncordon{Node: this})
	equal(t, "evacuating", w.s.Evacuating(), false)
	w.admin(mesh.Drain{Node: this, DrainFor: time.Minute}, mesh.EnterMaintenance{Node: this})
	m := w.s.Maintenance()
	if m.Phase != mesh.PhaseEntering || m.Draining || !m.Cordoned {
		t.Errorf("%+v", m)
	}
	w.admin(mesh.Drain{Node: this, DrainFor: time.Minute}, mesh.ExitMaintenance{Node: this})
	equal(t, "a drain ordered meanwhile does not outlive the exit", w.s.Evacuating(), false)
	w.admin(mesh.Drain{Node: 5, DrainFor: time.Minute})
	equal(t, "another node's drain", w.s.Cordoned(5), true)
	equal(t, "does not evacuate this one", w.s.Evacuating(), false)
}

func TestB13_AnExitWaitsForDaemonsThatAreBeingRestarted(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun}, mesh.DaemonStarted{Daemon: ref(1)})
	w.observe(mesh.PhaseEntering)
	w.admin(mesh.ExitMaintenance{Node: this})
	equal(t, "before", strings.Join(w.s.WaitingFor(), ", "), "")
	w.admin(mesh.RestartAllDaemons{Node: this})
	equal(t, "ordered", strings.Join(w.s.WaitingFor(), ", "), "daemon 1 (d)")
	w.s.HandOut(mesh.StopDaemon{Daemon: ref(1), Deadline: sec(30)})
	equal(t, "stopping", strings.Join(w.s.WaitingFor(), ", "), "daemon 1 (d)")
	w.hear(mesh.DaemonExited{Daemon: ref(1)})
	equal(t, "stopped", strings.Join(w.s.WaitingFor(), ", "), "daemon 1 (d)")
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	equal(t, "back", strings.Join(w.s.WaitingFor(), ", "), "")
}

func TestB13_ALongExitIsReportedOnce(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun}, // should run and does not
		mesh.DaemonIntent{Daemon: ref(2), Intent: mesh.IntentStop}, // is meant to be stopped
		mesh.DaemonIntent{Daemon: ref(3), Intent: mesh.IntentRun}, mesh.DaemonStarted{Daemon: ref(3)},
		mesh.DaemonHealthChanged{Daemon: ref(3), Health: mesh.DaemonHealth{Status: mesh.DaemonUnhealthy}})
	w.observe(mesh.PhaseEntering)
	w.admin(mesh.ExitMaintenance{Node: this})
	equal(t, "waits for", strings.Join(w.s.WaitingFor(), ", "), "daemon 1 (d), daemon 3 (d)")
	w.tick(599)
	equal(t, "failures", len(w.s.Failures()), 0)
	w.tick(600)
	w.tick(601)
	equal(t, "failures", len(w.s.Failures()), 1)
	equal(t, "reason", w.lastFailure().Reason, "leaving maintenance is not over after 10m0s and goes on: waiting for daemon 1 (d), daemon 3 (d)")
}

func TestB12a_MaintenanceTakesOverAnotherNodesDrain(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.Drain{Node: 5, DrainFor: time.Minute})
	equal(t, "draining", w.s.Leaving(5), true)
	for _, p := range []mesh.MaintenancePhase{mesh.PhaseEntering, mesh.PhaseMaintenance, mesh.PhaseExiting, mesh.PhaseRecovery, mesh.PhaseActive} {
		w.hear(mesh.MaintenanceObserved{Node: 5, Phase: p})
	}
	equal(t, "back from maintenance", w.s.Leaving(5), false)
	equal(t, "cordoned", w.s.Cordoned(5), true)
}
