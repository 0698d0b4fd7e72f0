package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
)

// chained configures daemon 1, and 2, which comes after or requires it.
func chained(change func(first, second *mesh.ConfiguredDaemon)) func(*state.Boot) {
	return func(b *state.Boot) {
		first := mesh.ConfiguredDaemon{Daemon: ref(1), Run: true, Config: "c"}
		second := mesh.ConfiguredDaemon{Daemon: ref(2), Run: true, Config: "c"}
		change(&first, &second)
		b.Desired.Daemons = []mesh.ConfiguredDaemon{first, second}
	}
}

func healthy(id mesh.DaemonID) mesh.Event {
	return mesh.DaemonHealthChanged{Daemon: ref(id), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}}
}

func failedFor(id mesh.DaemonID) mesh.Event {
	return mesh.DaemonCrashed{Daemon: ref(id), Reason: "x", End: mesh.DaemonEnd{Code: 1, At: stamp(sec(0)).Wall, Config: "c"}}
}

func doneWith(id mesh.DaemonID) mesh.Event {
	return mesh.DaemonExited{Daemon: ref(id), End: mesh.DaemonEnd{At: stamp(sec(0)).Wall, Config: "c"}}
}

func TestWhenADaemonThatComesAfterAnotherStarts(t *testing.T) {
	after := func(first, second *mesh.ConfiguredDaemon) { second.After = []mesh.DaemonID{1} }
	requires := func(first, second *mesh.ConfiguredDaemon) { second.Requires = []mesh.DaemonID{1} }
	with := func(order func(first, second *mesh.ConfiguredDaemon), more func(first *mesh.ConfiguredDaemon)) func(first, second *mesh.ConfiguredDaemon) {
		return func(first, second *mesh.ConfiguredDaemon) { order(first, second); more(first) }
	}
	none := func(*mesh.ConfiguredDaemon) {}
	checked := func(first *mesh.ConfiguredDaemon) { first.Checked = true }
	never := func(first *mesh.ConfiguredDaemon) { first.Restart = mesh.RestartNever }
	unwanted := func(first *mesh.ConfiguredDaemon) { first.Run = false }
	elsewhere := func(first *mesh.ConfiguredDaemon) { first.Node = 5 }
	rejected := mesh.DaemonRejected{Daemon: ref(1), Reason: "there is no file"}
	looping := []mesh.Event{crashed(1), crashed(1), crashed(1), crashed(1), crashed(1)}
	cases := []struct {
		name            string
		first           func(*mesh.ConfiguredDaemon)
		evs             []mesh.Event
		after, requires string // what the second waits for
	}{
		{"not started", none, nil, "d (not started yet)", "d (not started yet)"},
		{"running", none, []mesh.Event{started(1)}, "", ""},
		{"not judged", checked, []mesh.Event{started(1)}, "d (not healthy yet)", "d (not healthy yet)"},
		{"healthy", checked, []mesh.Event{started(1), healthy(1)}, "", ""},
		{"crashed", none, []mesh.Event{started(1), crashed(1)}, "d (crashed)", "d (crashed)"},
		{"crash-looping", none, looping, "", "d (crash-looping)"},
		{"rejected", none, []mesh.Event{rejected}, "", "d (rejected)"},
		{"unwanted", unwanted, nil, "", "d (should not run)"},
		{"elsewhere", elsewhere, nil, "", "d (should not run)"},
		{"a one-shot that runs", never, []mesh.Event{started(1)}, "d (not done yet)", "d (not done yet)"},
		{"a one-shot that is done", never, []mesh.Event{started(1), doneWith(1)}, "", ""},
		{"a one-shot that failed", never, []mesh.Event{started(1), failedFor(1)}, "", "d (failed)"},
	}
	for _, c := range cases {
		for _, order := range []struct {
			name string
			set  func(first, second *mesh.ConfiguredDaemon)
			want string
		}{{"after", after, c.after}, {"requires", requires, c.requires}} {
			t.Run(c.name+" "+order.name, func(t *testing.T) {
				w := newWorld(t, chained(with(order.set, c.first))).hear(c.evs...)
				d, _ := w.s.Daemon(2)
				if got := w.s.StartWaits(d); got != order.want {
					t.Errorf("waits for %q, want %q", got, order.want)
				}
				started := false
				for _, e := range w.pass(0.1) {
					if a, is := e.Action.(mesh.StartDaemon); is && a.Daemon.ID == 2 {
						started = true
					}
				}
				if started != (order.want == "") {
					t.Errorf("started: %v", started)
				}
			})
		}
	}
}

func TestAStopWaitsForThoseThatComeAfter(t *testing.T) {
	w := newWorld(t, chained(func(first, second *mesh.ConfiguredDaemon) { second.After = []mesh.DaemonID{1} }))
	w.hear(started(1), started(2)).admin(mesh.Drain{Node: this})
	w.succeed(w.expect(0, "stop 2 at 30s: this node is being evacuated")...)
	w.expect(1)
	w.to(2).hear(exited(2))
	w.expect(2, "stop 1 at 32s: this node is being evacuated")
}

func TestOneThatDoesNotEndHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, chained(func(first, second *mesh.ConfiguredDaemon) { second.After = []mesh.DaemonID{1} }))
	w.hear(started(1), started(2)).admin(mesh.Drain{Node: this})
	w.succeed(w.expect(0, "stop 2 at 30s: this node is being evacuated")...)
	w.expect(34)
	w.expect(35, "stop 1 at 1m5s: this node is being evacuated")
}

func TestWhatComesAfterGoesOnWithoutAndWhatRequiresDoesNot(t *testing.T) {
	w := newWorld(t, chained(func(first, second *mesh.ConfiguredDaemon) { second.After = []mesh.DaemonID{1} }))
	w.hear(started(1), started(2)).admin(mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: stop})
	w.expect(0, "stop 1 at 30s: desired intent is stop")

	w = newWorld(t, chained(func(first, second *mesh.ConfiguredDaemon) { second.Requires = []mesh.DaemonID{1} }))
	w.hear(started(1), started(2)).admin(mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: stop})
	w.succeed(w.expect(0, "stop 2 at 30s: it requires 1 (d): desired intent is stop")...)
	w.to(1).hear(exited(2))
	w.succeed(w.expect(1, "stop 1 at 31s: desired intent is stop")...)
	w.to(2).hear(exited(1))
	w.expect(2)
	w.admin(mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: run})
	w.succeed(w.expect(3, "start 1")...)
	w.expect(4)
	w.hear(started(1))
	w.expect(5, "start 2")
}

// A stop of one that many paths of requirements lead to is found without walking each path.
func TestManyPathsToOneRequirement(t *testing.T) {
	const layers, width = 40, 3
	w := newWorld(t, func(b *state.Boot) {
		for layer := range layers {
			for i := range width {
				d := mesh.ConfiguredDaemon{Daemon: ref(mesh.DaemonID(1 + layer*width + i)), Run: layer > 0}
				for j := range width {
					if layer > 0 {
						d.Requires = append(d.Requires, mesh.DaemonID(1+(layer-1)*width+j))
					}
				}
				b.Desired.Daemons = append(b.Desired.Daemons, d)
			}
		}
	})
	d, _ := w.s.Daemon(layers * width)
	if intent, _ := w.s.EffectiveIntent(d); intent != stop {
		t.Errorf("intent %d", intent)
	}
	reconcile.ExplainDaemon(w.s, layers*width)
}
