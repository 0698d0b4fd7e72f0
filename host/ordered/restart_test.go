package ordered

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func TestB25_WhatIsToldOfCrashesOutlivesTheNode(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	end := mesh.DaemonEnd{Code: 3, LastLine: "boom", At: m.wall}
	for range 2 {
		m.publish(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonCrashed{Daemon: ref(1), Reason: "boom", End: end})
	}
	m.tick(time.Second)
	for range 2 { // a second restart has no crash of its own to tell of
		m.reboot(time.Minute)
		d, _ := m.state.Daemon(1)
		if d.Crashes != 2 || d.LastEnd != end || d.Age(m.stamp().At) != m.wall.Sub(end.At) {
			t.Errorf("restored %d crashes, %+v, stopped for %s", d.Crashes, d.LastEnd, d.Age(m.stamp().At))
		}
		m.tick(0)
	}
	m.publish(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonCrashed{Daemon: ref(1), End: end})
	if d, _ := m.state.Daemon(1); d.Crashes != 3 {
		t.Errorf("counted on to %d", d.Crashes)
	}
	m.publish(mesh.DaemonStarted{Daemon: ref(1)})
	m.tick(time.Hour) // it is well
	m.reboot(time.Second)
	if d, _ := m.state.Daemon(1); d.Crashes != 0 {
		t.Errorf("%d crashes are told of after it was well", d.Crashes)
	}
}

// worker is the process of daemon 1. It outlives the node, as a daemon does.
type worker struct {
	*machine
	runs   bool
	since  time.Time
	starts int
}

// step is what the node does next about the daemon. It reports whether there was anything
// to do.
func (w *worker) step() bool {
	d, _ := w.state.Daemon(1)
	intent, _ := w.state.EffectiveIntent(d)
	switch {
	case intent == mesh.IntentStop && d.Lifecycle == state.Running:
		w.runs = false
		w.publish(mesh.DaemonExited{Daemon: ref(1)})
	case intent == mesh.IntentRun && d.Lifecycle == state.Stopped:
		w.wall = w.wall.Add(time.Millisecond)
		w.runs, w.since = true, w.wall
		w.starts++
		w.publish(mesh.DaemonStarted{Daemon: ref(1), Since: w.since})
	default:
		return false
	}
	return true
}

// kill kills the node and starts it again. The process is adopted if it still runs.
func (w *worker) kill(down time.Duration) {
	w.reboot(down)
	if w.runs {
		w.publish(mesh.DaemonStarted{Daemon: ref(1), Since: w.since})
	}
}

// Wherever the node is killed, a restart that was ordered is carried out once.
func TestP2_B25_ARestartIsCarriedOutOnceWhereverTheNodeIsKilled(t *testing.T) {
	for _, of := range []struct {
		order  mesh.AdminEvent
		starts int
	}{
		{mesh.RestartDaemon{Node: this, Daemon: ref(1)}, 2},
		{mesh.ForceRestartDaemon{Daemon: ref(1)}, 2},
		{mesh.RestartAllDaemons{Node: this}, 2},
		{mesh.RestartDaemon{Node: this, Daemon: ref(2)}, 1},
		{mesh.RestartDaemon{Node: 2, Daemon: ref(1)}, 1},
	} {
		for killed := range 9 { // before this step, and 0: never
			for _, down := range []time.Duration{0, time.Hour, -time.Hour} { // the clock may be set back
				if starts := restartAndKill(t, of.order, killed, down); starts != of.starts {
					t.Errorf("%+v, killed before step %d, down for %s: started %d times, want %d", of.order, killed, down, starts, of.starts)
				}
			}
		}
	}
}

// restartAndKill returns how often daemon 1 was started, and fails the test if it does not
// run in the end.
func restartAndKill(t *testing.T, order mesh.AdminEvent, killed int, down time.Duration) int {
	t.Helper()
	w := &worker{machine: newMachine(t, t.TempDir(), file(true, 2))}
	at := 0
	next := func() {
		if at++; at == killed {
			w.kill(down)
		}
	}
	w.step()
	w.tick(time.Minute)
	next()
	w.order(order)
	next()
	for range 3 {
		if d, _ := w.state.Daemon(2); d.Lifecycle == state.Stopped {
			w.publish(mesh.DaemonStarted{Daemon: ref(2)})
		}
		w.step()
		next()
		w.tick(time.Second)
		next()
	}
	w.kill(time.Second)
	for w.step() && w.starts < 9 {
	}
	if !w.runs {
		t.Errorf("%+v, killed before step %d, down for %s: it does not run", order, killed, down)
	}
	_ = w.log.Close()
	return w.starts
}

// A restart is not what a daemon is started for that should be stopped.
func TestB25_ARestartThatCameBeforeAStopIsForgotten(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	m.publish(mesh.DaemonStarted{Daemon: ref(1)})
	m.order(mesh.RestartDaemon{Node: this, Daemon: ref(1)})
	m.order(mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: mesh.IntentStop})
	for range 2 {
		m.reboot(time.Second)
		d, _ := m.state.Daemon(1)
		if intent, _ := m.state.EffectiveIntent(d); intent != mesh.IntentStop || d.Restart != state.RestartNone {
			t.Errorf("the intent is %v, the restart at step %d", intent, d.Restart)
		}
		m.tick(0)
	}
}

func TestADaemonThatWasTakenOverIsAsOldAsItsProcess(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	m.publish(mesh.DaemonStarted{Daemon: ref(1), Since: m.wall.Add(-time.Hour)}, mesh.DaemonStarted{Daemon: ref(2), Since: m.wall.Add(time.Hour)})
	m.tick(time.Second)
	for id, want := range map[mesh.DaemonID]time.Duration{1: time.Hour + time.Second, 2: time.Second} {
		if d, _ := m.state.Daemon(id); d.Age(m.stamp().At) != want {
			t.Errorf("daemon %d has run for %s, want %s", id, d.Age(m.stamp().At), want)
		}
	}
}
