package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func TestCore103_ACrashStopsAndBacksOff(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.to(10).hear(mesh.DaemonCrashed{Daemon: ref(1), Reason: "exit status 2"})
	d := w.daemon(1)
	equal(t, "lifecycle", d.Lifecycle, state.Stopped)
	equal(t, "gate", d.Gate.State(), state.GateBackingOff)
	equal(t, "age", d.Age(sec(12)), 2*time.Second)
}

func TestB13_Core104_HealthBelongsToAProcess(t *testing.T) {
	w := newWorld(t)
	unhealthy := mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonUnhealthy, Reason: "full"}}
	w.hear(mesh.DaemonStarted{Daemon: ref(1)}, unhealthy, mesh.DaemonSaturationChanged{Daemon: ref(1), Saturation: 0.5})
	equal(t, "health", w.daemon(1).Health.Status, mesh.DaemonUnhealthy)
	w.hear(mesh.DaemonCrashed{Daemon: ref(1)})
	equal(t, "health when it has ended", w.daemon(1).Health, mesh.DaemonHealth{})
	w.hear(unhealthy)
	equal(t, "health that comes late", w.daemon(1).Health, mesh.DaemonHealth{})
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	equal(t, "health of the next process", w.daemon(1).Health, mesh.DaemonHealth{})
	equal(t, "saturation of the next process", w.daemon(1).Saturation, 0)
	w.hear(unhealthy, mesh.DaemonStarted{Daemon: ref(1)})
	equal(t, "health after a start whose end before was not reported", w.daemon(1).Health, mesh.DaemonHealth{})
}

func TestB13_AVerdictGoesWithItsCheck(t *testing.T) {
	entry := mesh.ConfiguredDaemon{Daemon: ref(1), Run: true, Checked: true}
	w := newWorld(t, func(b *state.Boot) { b.Desired.Daemons = []mesh.ConfiguredDaemon{entry} })
	w.hear(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}})
	entry.Checked = false
	w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{entry}}})
	equal(t, "health", w.daemon(1).Health.Status, mesh.DaemonUnknown)
}

func TestCore106_107_PinsComeAndGoWithTheIntent(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun, Node: 5})
	equal(t, "pin", w.daemon(1).Pin, 5)
	equal(t, "intent", w.daemon(1).Intent, mesh.IntentRun)
	w.hear(mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun})
	equal(t, "pin", w.daemon(1).Pin, 0)
}

func TestCore109_ForceRestartOfAnUnknownDaemonMakesNoEntry(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.ForceRestartDaemon{Daemon: ref(1)})
	if _, ok := w.s.Daemon(1); ok {
		t.Error("an entry was made")
	}
	equal(t, "verdict", w.verdict().Verdict, mesh.VerdictUnverified)
}

func TestForceRestartRestartsADaemonThatRuns(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonStarted{Daemon: ref(2)})
	w.admin(mesh.ForceRestartDaemon{Daemon: ref(1)})
	intent, why := w.s.EffectiveIntent(w.daemon(1))
	equal(t, "intent", intent, mesh.IntentStop)
	equal(t, "reason", why, "a restart of it was ordered")
	equal(t, "the other one", w.daemon(2).Restart, state.RestartNone)
	w.hear(mesh.DaemonExited{Daemon: ref(1)})
	intent, _ = w.s.EffectiveIntent(w.daemon(1))
	equal(t, "intent when it has stopped", intent, mesh.IntentRun)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	equal(t, "restart order when it runs again", w.daemon(1).Restart, state.RestartNone)
}

func TestForceRestartOpensTheGate(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.hear(mesh.DaemonCrashed{Daemon: ref(1)})
	}
	equal(t, "gate", w.daemon(1).Gate.State(), state.GateCrashLooping)
	w.admin(mesh.ForceRestartDaemon{Daemon: ref(1)})
	equal(t, "gate", w.daemon(1).Gate.State(), state.GateIdle)
}

func TestCore100_TickOpensAGateWhoseTimeIsOver(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonCrashed{Daemon: ref(1)})
	w.tick(0.499)
	equal(t, "before", w.daemon(1).Gate.State(), state.GateBackingOff)
	w.tick(0.5)
	equal(t, "at its time", w.daemon(1).Gate.State(), state.GateIdle)
}

func TestB16_Core008_ADaemonIsItsID(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 7, Name: "a"}})
	w.hear(mesh.DaemonExited{Daemon: mesh.DaemonRef{ID: 7}})
	w.hear(mesh.DaemonHealthChanged{Daemon: mesh.DaemonRef{ID: 7, Name: "b"}, Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}})
	n := 0
	for d := range w.s.Daemons() {
		n++
		equal(t, "label", d.Ref.Name, "b")
		equal(t, "lifecycle", d.Lifecycle, state.Stopped)
	}
	equal(t, "daemons", n, 1)
}

func TestSNP09_11_AgeOfAStoppedDaemonCountsFromItsLaterEnd(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.to(1.5).hear(mesh.DaemonExited{Daemon: ref(1)})
	equal(t, "age", w.daemon(1).Age(sec(2)), 500*time.Millisecond)
	w.to(100).hear(mesh.DaemonCrashed{Daemon: ref(1)})
	equal(t, "age", w.daemon(1).Age(sec(110)), 10*time.Second)
	w.hear(mesh.DaemonIntent{Daemon: ref(2), Intent: mesh.IntentRun})
	equal(t, "age of one that never ran", w.daemon(2).Age(sec(110)), 0)
}

func TestB17_ADaemonThatEndedAndNobodyWantsIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonExited{Daemon: ref(1)},
		mesh.DaemonExited{Daemon: ref(2)}, mesh.DaemonIntent{Daemon: ref(2), Intent: mesh.IntentRun})
	w.tick(599)
	w.daemon(1)
	w.tick(600)
	if _, ok := w.s.Daemon(1); ok {
		t.Error("still known")
	}
	w.daemon(2)
}

func TestB14_RestartAllStopsThenStartsWhatRuns(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun}, mesh.DaemonStarted{Daemon: ref(1)},
		mesh.DaemonStarted{Daemon: ref(2)}, // it has no intent
		mesh.DaemonIntent{Daemon: ref(3), Intent: mesh.IntentRun}, mesh.DaemonCrashed{Daemon: ref(3)})
	intent := func(id mesh.DaemonID) mesh.RunIntent {
		i, _ := w.s.EffectiveIntent(w.daemon(id))
		return i
	}
	w.admin(mesh.RestartAllDaemons{Node: 5})
	equal(t, "another node's restart", intent(1), mesh.IntentRun)

	w.admin(mesh.RestartAllDaemons{Node: this})
	equal(t, "running, wanted", intent(1), mesh.IntentStop)
	equal(t, "running, no intent", intent(2), mesh.IntentStop)
	equal(t, "stopped", intent(3), mesh.IntentRun)
	equal(t, "its gate", w.daemon(3).Gate.State(), state.GateIdle)

	w.hear(mesh.DaemonExited{Daemon: ref(1)}, mesh.DaemonExited{Daemon: ref(2)})
	equal(t, "ended, wanted", intent(1), mesh.IntentRun)
	equal(t, "ended, no intent", intent(2), mesh.IntentRun)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonStarted{Daemon: ref(2)})
	equal(t, "back, no intent", intent(2), mesh.IntentNone)
	equal(t, "back, wanted", intent(1), mesh.IntentRun)
}

func TestReloadStopsARemovedDaemonAndLeavesOthersAlone(t *testing.T) {
	conf := func(ids ...mesh.DaemonID) (out mesh.Configured) {
		for _, id := range ids {
			out.Daemons = append(out.Daemons, mesh.ConfiguredDaemon{Daemon: ref(id), Run: true})
		}
		return out
	}
	w := newWorld(t, func(b *state.Boot) { b.Desired = conf(1, 2) })
	equal(t, "intent from the configuration", w.daemon(1).Intent, mesh.IntentRun)
	w.hear(mesh.DaemonIntent{Daemon: ref(2), Intent: mesh.IntentStop})
	w.input(mesh.Reload{Desired: conf(2, 3)})
	equal(t, "removed", w.daemon(1).Intent, mesh.IntentStop)
	equal(t, "changed by an event, not by the file", w.daemon(2).Intent, mesh.IntentStop)
	equal(t, "new", w.daemon(3).Intent, mesh.IntentRun)
}

func TestReloadOfChains(t *testing.T) {
	three, four := uint32(3), uint32(4)
	conf := func(cs ...mesh.ConfiguredChain) mesh.Configured { return mesh.Configured{Chains: cs} }
	w := newWorld(t, func(b *state.Boot) {
		b.Desired = conf(mesh.ConfiguredChain{ID: 1, Replicas: &three, Hold: mesh.HoldKeep}, mesh.ConfiguredChain{ID: 2, Replicas: &three})
	})
	w.hear(mesh.PlacementIntent{Chain: 2, Desired: 9}, added(1, 11))
	w.input(mesh.Reload{Desired: conf(mesh.ConfiguredChain{ID: 2, Replicas: &three}, mesh.ConfiguredChain{ID: 3, Replicas: &four})})
	w.tick(1)
	c, _ := w.s.Chain(1)
	if c.HasDesired || c.Hold != mesh.HoldNone {
		t.Errorf("the intents of a removed chain should go: %+v", c)
	}
	c, _ = w.s.Chain(2)
	equal(t, "changed by an event, not by the file", c.Desired, 9)
	c, _ = w.s.Chain(3)
	equal(t, "new", c.Desired, 4)
}

func TestB17_ADaemonWhoseRestartNobodyWantsAnyMoreIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.admin(mesh.RestartAllDaemons{Node: this})
	w.hear(mesh.DaemonExited{Daemon: ref(1)}, mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentStop})
	w.tick(600)
	if _, ok := w.s.Daemon(1); ok {
		t.Error("still known")
	}
}
