package reconcile_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
)

func TestB4_BeforeARetryTheReasonIsCheckedAgain(t *testing.T) {
	start, halt := mesh.StartDaemon{Daemon: ref(1)}, mesh.StopDaemon{Daemon: ref(1)}
	pull, drop := mesh.PullReplica{Chain: 7, Source: 1}, mesh.DropReplica{Chain: 7}
	place, evict := mesh.RequestPlacement{Chain: 7}, mesh.RequestEviction{Chain: 7, Victim: 1}
	placeOn := mesh.RequestPlacement{Chain: 7, Target: 9}
	cases := []struct {
		name   string
		make   func(*world)
		action mesh.Action
		want   bool
	}{
		{"start, wanted and on its way", func(w *world) { w.hear(intent(1, run)).pass(0) }, start, true},
		{"start, not wanted any more", func(w *world) { w.hear(intent(1, run)).pass(0); w.hear(intent(1, stop)) }, start, false},
		{"start, running already", func(w *world) { w.hear(intent(1, run), started(1)) }, start, false},
		{"stop, still unwanted", func(w *world) { w.hear(intent(1, stop), started(1)) }, halt, true},
		{"stop, wanted again", func(w *world) { w.hear(intent(1, run), started(1)) }, halt, false},
		{"stop, gone already", func(w *world) { w.hear(intent(1, stop), exited(1)) }, halt, false},
		{"pull, still wanted", func(w *world) { w.chain(7, 2, 1).hear(hold(7, mesh.HoldKeep)) }, pull, true},
		{"pull, held already", func(w *world) { w.chain(7, 2, 1, this).hear(hold(7, mesh.HoldKeep)) }, pull, false},
		{"pull, evacuating", func(w *world) { w.chain(7, 2, 1).hear(hold(7, mesh.HoldKeep)).admin(mesh.Drain{Node: this}) }, pull, false},
		{"drop, enough others", func(w *world) { w.chain(7, 1, this, 1).hear(hold(7, mesh.HoldDrop)) }, drop, true},
		{"B6 drop, too few others by now", func(w *world) { w.chain(7, 2, this, 1).hear(hold(7, mesh.HoldDrop)) }, drop, false},
		{"place, led here", func(w *world) { w.chain(7, 2, 1) }, place, true},
		{"place, filled by now", func(w *world) { w.chain(7, 2, 1, 2) }, place, false},
		{"place, not Active by now", func(w *world) { w.chain(7, 2, 1).admin(mesh.EnterMaintenance{Node: this}) }, place, false},
		{"place, led elsewhere by now", func(w *world) { w.chain(7, 2, 1).hear(leader(7, 5)) }, place, false},
		{"place, the target holds it by now", func(w *world) { w.chain(7, 2, 1, 9) }, placeOn, false},
		{"B6 evict, too few others by now", func(w *world) { w.chain(7, 1, 1, 2).lost(40, 2).hear(mesh.LogLine{}) }, evict, false},
		{"B6 evict, more are desired by now", func(w *world) { w.chain(7, 2, 1, 2) }, evict, false},
		{"pull, the source gave it up", func(w *world) { w.chain(7, 2, 2).hear(hold(7, mesh.HoldKeep)) }, pull, false},
		{"pull, the source is lost", func(w *world) { w.chain(7, 2, 1, 2).hear(hold(7, mesh.HoldKeep)).lost(40, 1).hear(mesh.LogLine{}) }, pull, false},
		{"back off, the gate is closed", func(w *world) { w.hear(intent(1, run), crashed(1)) }, mesh.ApplyBackoff{Daemon: ref(1), Until: sec(0.5)}, true},
		{"back off, the gate was opened", func(w *world) {
			w.hear(intent(1, run), crashed(1)).admin(mesh.ForceRestartDaemon{Daemon: ref(1)})
		}, mesh.ApplyBackoff{Daemon: ref(1), Until: sec(0.5)}, false},
		{"evict, still a holder", func(w *world) { w.chain(7, 1, 1, 2) }, evict, true},
		{"evict, no holder any more", func(w *world) { w.chain(7, 1, 2) }, evict, false},
		{"mark, not avoided yet", func(w *world) { w.hear(rtt(5, 500)) }, mesh.MarkAvoid{Peer: 5}, true},
		{"mark, avoided by now", func(w *world) { w.hear(rtt(5, 500)); w.succeed(w.pass(0)...) }, mesh.MarkAvoid{Peer: 5}, false},
		{"commit, there already", func(*world) {}, mesh.CommitTransition{Node: this, Target: mesh.PhaseActive}, false},
		{"commit, still on the way", func(w *world) { w.admin(mesh.EnterMaintenance{Node: this}) }, mesh.CommitTransition{Node: this, Target: mesh.PhaseMaintenance}, true},
		{"commit, the operator turned round", func(w *world) {
			w.admin(mesh.EnterMaintenance{Node: this}, mesh.ExitMaintenance{Node: this})
		}, mesh.CommitTransition{Node: this, Target: mesh.PhaseMaintenance}, false},
		{"an action without a reason to check", func(*world) {}, mesh.ReduceHeat{Blob: 1}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.make(w)
			if got := reconcile.StillWanted(w.s, c.action); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestB4_AnEvictionThatIsUnderWayIsStillWanted(t *testing.T) {
	w := newWorld(t).chain(7, 1, 1, 2)
	out := w.expect(0, "evict 7 from 2")
	if !reconcile.StillWanted(w.s, out[0].Action) {
		t.Error("what is under way is not in the Diff, but wanted all the same")
	}
}

// A forced order and a move are reasons for an action too.
func TestB4_TheReasonOfAnOrderAndOfAMove(t *testing.T) {
	ask := func(w *world, e mesh.Emitted, want bool) {
		t.Helper()
		if got := reconcile.StillWanted(w.s, e.Action); got != want {
			t.Errorf("%s: still wanted is %v", show([]mesh.Emitted{e}), got)
		}
	}
	w := newWorld(t).chain(7, 3, 1, 2, 3).admin(mesh.ForceEvictReplica{Chain: 7, Victim: 1})
	out := w.expect(0, "evict 7 from 1")[0]
	ask(w, out, true) // below the desired number
	w.hear(gone(7, 2))
	ask(w, out, true)
	w.hear(gone(7, 3))
	ask(w, out, false) // it is the only one by now
	w.s.Apply(stamp(w.at), mesh.Outcome{ID: out.ID, Final: true, Reason: mesh.ReasonNotWanted})
	if got := w.lastFailure(); got != "force-evict-replica:7: withdrawn before it was tried again: no longer wanted" {
		t.Error(got)
	}

	w = newWorld(t).chain(7, 2, 1, 2).admin(mesh.ForceCutover{Chain: 7, Target: 9})
	out = w.expect(0, "place 7 on 9 not on 1,2")[0]
	ask(w, out, true)
	w.hear(added(7, 9)...)
	ask(w, out, false)
	w.s.Apply(stamp(w.at), mesh.Outcome{ID: out.ID, Final: true, Reason: mesh.ReasonNotWanted})
	if got := w.lastFailure(); got != "" {
		t.Errorf("the target holds it, as ordered, and yet: %s", got)
	}

	w = placed(t).scores(&score{9, 0.9}, nil, score{1, 0.3}, score{2, 0.8})
	out = w.expect(1, "place 7 on 9 not on 1,2,100")[0]
	ask(w, out, true)
	w.admin(mesh.Cordon{Node: 9}).expect(2) // so the move is given up
	ask(w, out, false)
}
