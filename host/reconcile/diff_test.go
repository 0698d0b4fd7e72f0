package reconcile_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
)

func TestCore128_NothingKnownNothingDone(t *testing.T) {
	newWorld(t).expect(1)
}

func TestCore130_ADiffChangesNothing(t *testing.T) {
	w := newWorld(t).hear(intent(2, run), intent(1, run))
	for range 2 {
		got := reconcile.Diff(w.s)
		if len(got) != 2 || got[0] != (mesh.StartDaemon{Daemon: ref(1)}) || got[1] != (mesh.StartDaemon{Daemon: ref(2)}) {
			t.Errorf("got %v", got)
		}
	}
}

func TestCore131_TheOrderIsByIDHoweverTheStateWasBuilt(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		for _, i := range rand.Perm(50) {
			w.hear(intent(mesh.DaemonID(i+1), run))
		}
		for i, e := range w.pass(1) {
			if a := e.Action.(mesh.StartDaemon); a.Daemon.ID != mesh.DaemonID(i+1) || e.ID != mesh.ActionID(i+1) {
				t.Fatalf("place %d: daemon %d with id %d", i, a.Daemon.ID, e.ID)
			}
		}
	}
}

func TestCore133_134_AFreezeStopsEverything(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), mesh.RTTSample{Peer: 5, RTT: time.Second}).admin(mesh.FreezeCluster{TTL: 30 * time.Second})
	w.expect(29)
	w.expect(30, "start 1", "avoid 5 for 5m0s: rtt 1000 ms is above 250ms")
}

// A frozen pass wants nothing, although the reasons are still there.
func TestB1_AFreezeForgetsNoWait(t *testing.T) {
	w := newWorld(t).hear(intent(1, run))
	w.fail(w.expect(0, "start 1")...)
	w.fail(w.expect(1, "start 1")...) // the next one not before 3 s
	w.admin(mesh.FreezeCluster{TTL: time.Second})
	w.expect(1.5)
	w.expect(2.9)
	w.fail(w.expect(3, "start 1")...)
	w.expect(6.9)
	w.expect(7, "start 1")
}

func TestCore136_ArmsComeInTheirOrder(t *testing.T) {
	w := newWorld(t).hear(mesh.RTTSample{Peer: 5, RTT: time.Second}, intent(9, run))
	w.expect(1, "start 9", "avoid 5 for 5m0s: rtt 1000 ms is above 250ms")
}

func TestB3_WhatFoundNoRoomDoesNotCount(t *testing.T) {
	w := newWorld(t).hear(intent(1, run), intent(2, run), mesh.RTTSample{Peer: 5, RTT: time.Second})
	res := reconcile.Pass(w.s, stamp(sec(1)), 1)
	if show(res.Actions) != "start 1" || res.Dropped != 2 || res.FirstDropped != (mesh.StartDaemon{Daemon: ref(2)}) {
		t.Errorf("got %s, dropped %d, first %v", show(res.Actions), res.Dropped, res.FirstDropped)
	}
	if d, _ := w.s.Daemon(2); d.Lifecycle != state.Stopped {
		t.Error("a start that was not handed out must not show")
	}
	if n := len(w.s.Emitted()); n != 1 {
		t.Errorf("%d actions listed as emitted, 1 was", n)
	}
	w.expect(2, "start 2", "avoid 5 for 5m0s: rtt 1000 ms is above 250ms")
}

func TestB1_NothingIsHandedOutTwice(t *testing.T) {
	w := newWorld(t).hear(intent(1, run))
	out := w.expect(1, "start 1")
	w.expect(2)
	w.succeed(out...)
	w.expect(3)
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	w.expect(4)
}

func TestB1_AFailedStartIsTriedAgainAfterItsBackoff(t *testing.T) {
	w := newWorld(t).hear(intent(1, run))
	out := w.expect(1, "start 1")
	w.s.Apply(stamp(sec(1)), mesh.Outcome{ID: out[0].ID, Reason: "no such file", Final: true})
	w.expect(1.5)
	out = w.expect(2, "start 1")
	w.s.Apply(stamp(sec(2)), mesh.Outcome{ID: out[0].ID, Reason: "no such file", Final: true})
	w.expect(3)
	w.expect(4, "start 1")
}
