package reconcile_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func rtt(peer mesh.NodeID, ms int) mesh.Event {
	return mesh.RTTSample{Peer: peer, RTT: time.Duration(ms) * time.Millisecond}
}

func probed(w *world, peer mesh.NodeID, ms int) {
	w.s.Apply(stamp(w.at), mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: peer, RTT: time.Duration(ms) * time.Millisecond}}})
}

const slow5 = "avoid 5 for 5m0s: rtt 500 ms is above 250ms"

func TestCore185_ASlowPeerIsMarked(t *testing.T) {
	newWorld(t).hear(rtt(5, 500), rtt(6, 20)).expect(0, slow5)
}

func TestCore187_188_NotWhileItIsAvoided(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	w.succeed(w.expect(0, slow5)...)
	w.expect(10)
	w.expect(299)
	w.expect(300, slow5) // B2: still slow when its entry expires
}

func TestCore190_ThresholdAndTTLAreConfigurable(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Policy.DegradedRTT, b.Policy.AvoidTTL = 100*time.Millisecond, time.Minute
	})
	w.hear(rtt(5, 150)).expect(0, "avoid 5 for 1m0s: rtt 150 ms is above 100ms")
}

func TestCore191_TheThresholdItselfIsNotSlow(t *testing.T) {
	newWorld(t).hear(rtt(5, 250)).expect(0)
}

func TestCore193_AfterAFlushASlowPeerIsMarkedAgain(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	w.succeed(w.expect(0, slow5)...)
	w.to(6).admin(mesh.FlushAvoidLists{Global: true})
	w.expect(6, slow5)
}

func TestB2_OnlyASuccessPutsAPeerOnTheList(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	out := w.expect(0, slow5)
	if w.s.Avoids(5) {
		t.Error("on the list before the outcome")
	}
	w.succeed(out...)
	if !w.s.Avoids(5) {
		t.Error("not on the list after it")
	}
}

func TestAReportedRTTCountsOnceAlthoughAProbeMeasuresInBetween(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	probed(w, 5, 1)
	w.succeed(w.expect(0, slow5)...)
	probed(w, 5, 1)
	w.expect(400) // the entry expired, and the peer is fast
	w.hear(rtt(5, 500), rtt(5, 2))
	w.expect(401)
}

func TestAReportedRTTIsKeptWhileTheClusterIsFrozen(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500)).admin(mesh.FreezeCluster{TTL: 10 * time.Second})
	probed(w, 5, 1)
	w.expect(1)
	probed(w, 5, 1)
	w.expect(10, slow5)
}

func TestAPeerThatProbesFindSlowIsMarked(t *testing.T) {
	w := newWorld(t)
	probed(w, 5, 500)
	w.expect(0, slow5)
}
