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
		{"start, wanted and on its way", func(w *world) { w.hear(wish(1, run)).pass(0) }, start, true},
		{"start, not wanted any more", func(w *world) { w.hear(wish(1, run)).pass(0); w.hear(wish(1, stop)) }, start, false},
		{"start, running already", func(w *world) { w.hear(wish(1, run), started(1)) }, start, false},
		{"stop, still unwanted", func(w *world) { w.hear(wish(1, stop), started(1)) }, halt, true},
		{"stop, wanted again", func(w *world) { w.hear(wish(1, run), started(1)) }, halt, false},
		{"stop, gone already", func(w *world) { w.hear(wish(1, stop), exited(1)) }, halt, false},
		{"pull, still wanted", func(w *world) { w.chain(7, 2, 1).hear(hold(7, mesh.HoldKeep)) }, pull, true},
		{"pull, held already", func(w *world) { w.chain(7, 2, 1, this).hear(hold(7, mesh.HoldKeep)) }, pull, false},
		{"pull, evacuating", func(w *world) { w.chain(7, 2, 1).hear(hold(7, mesh.HoldKeep)).admin(mesh.Drain{Node: this}) }, pull, false},
		{"drop, enough others", func(w *world) { w.chain(7, 1, this, 1).hear(hold(7, mesh.HoldDrop)) }, drop, true},
		{"B6 drop, too few others by now", func(w *world) { w.chain(7, 2, this, 1).hear(hold(7, mesh.HoldDrop)) }, drop, false},
		{"place, led here", func(w *world) { w.chain(7, 2, 1) }, place, true},
		{"place, led elsewhere by now", func(w *world) { w.chain(7, 2, 1).hear(leader(7, 5)) }, place, false},
		{"place, the target holds it by now", func(w *world) { w.chain(7, 2, 1, 9) }, placeOn, false},
		{"evict, still a holder", func(w *world) { w.chain(7, 1, 1, 2) }, evict, true},
		{"evict, no holder any more", func(w *world) { w.chain(7, 1, 2) }, evict, false},
		{"mark, not avoided yet", func(w *world) { w.hear(rtt(5, 500)) }, mesh.MarkAvoid{Peer: 5}, true},
		{"mark, avoided by now", func(w *world) { w.hear(rtt(5, 500)); w.succeed(w.pass(0)...) }, mesh.MarkAvoid{Peer: 5}, false},
		{"commit, there already", func(*world) {}, mesh.CommitTransition{Node: this, Target: mesh.PhaseActive}, false},
		{"what nobody knows better", func(*world) {}, mesh.ReduceHeat{Blob: 1}, true},
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
