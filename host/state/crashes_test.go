package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func crash(code int32, line string) mesh.DaemonCrashed {
	return mesh.DaemonCrashed{Daemon: ref(1), Reason: "x", End: mesh.DaemonEnd{Code: code, LastLine: line, At: time.Unix(1, 0)}}
}

func runs(d ...mesh.ConfiguredDaemon) func(*state.Boot) {
	return func(b *state.Boot) { b.Desired.Daemons = d }
}

func TestACrashIsCountedAndSaid(t *testing.T) {
	w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true}))
	for i := range 3 {
		w.to(float64(10 * i)).hear(mesh.DaemonStarted{Daemon: ref(1), PID: 4711})
		equal(t, "pid", w.daemon(1).PID, 4711)
		w.hear(crash(3, "boom"))
	}
	d := w.daemon(1)
	equal(t, "crashes", d.Crashes, 3)
	equal(t, "restarts", d.Restarts(), 2)
	equal(t, "end", d.LastEnd.String(), `exit 3: "boom"`)
	equal(t, "pid when it has ended", d.PID, 0)
	equal(t, "source", w.lastFailure().Source, "daemon:1")
	equal(t, "reason", w.lastFailure().Reason, `1 (d) crashed 3 times (exit 3: "boom"), again in 2s`)
	at, waits := w.s.NextStart(d)
	equal(t, "waits", waits, true)
	equal(t, "next start", at, sec(22))

	w.to(30).hear(mesh.DaemonStarted{Daemon: ref(1), PID: 1})
	w.tick(89)
	equal(t, "crashes while it may still crash", w.daemon(1).Crashes, 3)
	w.tick(90)
	equal(t, "crashes when it has run for a minute", w.daemon(1).Crashes, 0)
	w.hear(crash(1, ""))
	equal(t, "reason", w.lastFailure().Reason, "1 (d) crashed (exit 1), again in 500ms")
}

func TestCrashesAreForgottenWithACleanEndOrAnOrder(t *testing.T) {
	for name, ev := range map[string]mesh.Event{
		"clean end": mesh.DaemonExited{Daemon: ref(1)},
		"order":     mesh.AdminReceived{Event: mesh.ForceRestartDaemon{Daemon: ref(1)}},
	} {
		w := newWorld(t)
		w.hear(crash(1, ""), ev)
		equal(t, name, w.daemon(1).Crashes, 0)
	}
}

func TestAnEndOfWhichNothingIsKnownIsNotCounted(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.DaemonCrashed{Daemon: ref(1), Reason: "x"})
	equal(t, "crashes", w.daemon(1).Crashes, 0)
	equal(t, "failures", len(w.s.Failures()), 0)
}

func TestAFailedStartSaysWhyAndWhenItIsTriedAgain(t *testing.T) {
	w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true}))
	e := w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	w.outcome(e.ID, false, "no such file")
	equal(t, "error", w.s.StartError(w.daemon(1)), "no such file")
	at, waits := w.s.NextStart(w.daemon(1))
	equal(t, "waits", waits, true)
	equal(t, "next start", at, sec(1))
	w.to(1)
	w.s.HandOut(mesh.StartDaemon{Daemon: ref(1)})
	equal(t, "error while it is tried again", w.s.StartError(w.daemon(1)), "no such file")
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.outcome(e.ID+1, true, "")
	equal(t, "error once it runs", w.s.StartError(w.daemon(1)), "")
}

func TestARestartDoesNotWaitForAFailedStart(t *testing.T) {
	w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true}))
	start := mesh.StartDaemon{Daemon: ref(1)}
	w.outcome(w.s.HandOut(start).ID, false, "no such file")
	equal(t, "ready", w.s.Ready(start.Key()), false)
	w.admin(mesh.RestartDaemon{Node: 9, Daemon: ref(1)})
	equal(t, "ready when another node is meant", w.s.Ready(start.Key()), false)
	w.admin(mesh.RestartDaemon{Node: this, Daemon: ref(1)})
	equal(t, "ready", w.s.Ready(start.Key()), true)
}

func TestAnOutdatedProcessIsSaid(t *testing.T) {
	entry := mesh.ConfiguredDaemon{Daemon: ref(1), Run: true, Config: "old"}
	w := newWorld(t, runs(entry))
	w.hear(mesh.DaemonStarted{Daemon: ref(1), Config: "old"})
	equal(t, "outdated", w.daemon(1).Outdated(), false)
	entry.Config = "new"
	w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{entry}}})
	equal(t, "outdated after a reload", w.daemon(1).Outdated(), true)
	w.hear(mesh.DaemonExited{Daemon: ref(1)})
	equal(t, "outdated when it has ended", w.daemon(1).Outdated(), false)
	w.hear(mesh.DaemonStarted{Daemon: ref(1), Config: "new"})
	equal(t, "outdated when it runs again", w.daemon(1).Outdated(), false)
}

func TestADaemonWhoseEnvironmentChangedIsOutdated(t *testing.T) {
	w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true, Config: "same"}))
	started := mesh.DaemonStarted{Daemon: ref(1), Config: "same"}
	changed := func(is bool) mesh.Event { return mesh.DaemonEnvironmentChanged{Daemon: ref(1), Changed: is} }
	for _, c := range []struct {
		what string
		ev   mesh.Event
		want bool
	}{
		{"started", started, false},
		{"its files changed", changed(true), true},
		{"and changed back", changed(false), false},
		{"and changed again", changed(true), true},
		{"it ended", mesh.DaemonExited{Daemon: ref(1)}, false},
		{"a late report", changed(true), false},
		{"started again", started, false},
	} {
		w.hear(c.ev)
		equal(t, c.what, w.daemon(1).Outdated(), c.want)
	}
}

func TestB17_ADaemonThatIsTakenOutLeavesNoRow(t *testing.T) {
	w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true}, mesh.ConfiguredDaemon{Daemon: ref(2), Run: true}))
	w.hear(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonCrashed{Daemon: ref(2)})
	w.hear(mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentRun}, mesh.DaemonIntent{Daemon: ref(2), Intent: mesh.IntentRun})
	w.input(mesh.Reload{})
	w.tick(0.1)
	if _, ok := w.s.Daemon(2); ok {
		t.Error("a stopped one is still there")
	}
	intent, _ := w.s.EffectiveIntent(w.daemon(1))
	equal(t, "intent of a running one", intent, mesh.IntentStop)
	w.hear(mesh.DaemonExited{Daemon: ref(1)})
	w.tick(0.2)
	if _, ok := w.s.Daemon(1); ok {
		t.Error("one that has stopped is still there")
	}
}

func TestARejectedDaemonIsSaidOnce(t *testing.T) {
	w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true}))
	for range 3 {
		w.hear(mesh.DaemonRejected{Daemon: ref(1), Reason: "there is no file /bin/x"})
	}
	equal(t, "rejected", w.daemon(1).Rejected, "there is no file /bin/x")
	equal(t, "failures", len(w.s.Failures()), 1)
	equal(t, "reason", w.lastFailure().Reason, "1 (d) is rejected: there is no file /bin/x")
	w.hear(mesh.DaemonRejected{Daemon: ref(1)})
	equal(t, "rejected", w.daemon(1).Rejected, "")
}

// Once what made a daemon crash is repaired, nobody has to wait for its gate.
func TestWhatIsRepairedIsNotKeptWaiting(t *testing.T) {
	for name, repair := range map[string]func(w *world){
		"another command": func(w *world) {
			w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{{Daemon: ref(1), Run: true, Config: "new"}}}})
		},
		"another file": func(w *world) { w.hear(mesh.DaemonReplaced{Daemon: ref(1)}) },
		"a file that is there again": func(w *world) {
			w.hear(mesh.DaemonRejected{Daemon: ref(1), Reason: "there is no file /bin/x"}, mesh.DaemonRejected{Daemon: ref(1)})
		},
		"another command while it ran": func(w *world) {
			w.hear(mesh.DaemonStarted{Daemon: ref(1), PID: 7, Config: "old"})
			w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{{Daemon: ref(1), Run: true, Config: "new"}}}})
			w.hear(crash(1, ""))
		},
	} {
		w := newWorld(t, runs(mesh.ConfiguredDaemon{Daemon: ref(1), Run: true, Config: "old"}))
		for range 5 {
			w.hear(mesh.DaemonStarted{Daemon: ref(1), PID: 7, Config: "old"}, crash(1, ""))
		}
		equal(t, name+": before", w.daemon(1).Gate.State(), state.GateCrashLooping)
		repair(w)
		equal(t, name+": gate", w.daemon(1).Gate.State(), state.GateIdle)
		equal(t, name+": crashes", w.daemon(1).Crashes, 0)
		equal(t, name+": may be started", w.s.Ready(mesh.StartDaemon{Daemon: ref(1)}.Key()), true)
	}
}

func TestAReloadWithoutAChangeOpensNoGate(t *testing.T) {
	entry := mesh.ConfiguredDaemon{Daemon: ref(1), Run: true, Config: "old"}
	w := newWorld(t, runs(entry))
	w.hear(crash(1, ""))
	w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{entry}}})
	equal(t, "gate", w.daemon(1).Gate.State(), state.GateBackingOff)
}
