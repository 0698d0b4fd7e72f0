package state_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func (w *world) peer(id mesh.NodeID) state.Peer {
	p, _ := w.s.Peer(id)
	return p
}

func (w *world) samples(s mesh.Samples) { w.input(s) }

func rttOf(peer mesh.NodeID, ms int) mesh.Samples {
	return mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: peer, RTT: time.Duration(ms) * time.Millisecond}}}
}

func TestLastRTTAndHealthWin(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.RTTSample{Peer: 1, RTT: time.Second}, mesh.RTTSample{Peer: 1, RTT: time.Millisecond})
	w.hear(mesh.HealthSample{Peer: 1, Health: mesh.HealthUnreachable}, mesh.HealthSample{Peer: 1, Health: mesh.HealthHealthy})
	equal(t, "rtt", w.peer(1).RTT, time.Millisecond)
	equal(t, "health", w.peer(1).Health, mesh.HealthHealthy)
}

func TestB19_ThisNodeHasNoRTTAndNoHealth(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.RTTSample{Peer: this, RTT: time.Second}, mesh.HealthSample{Peer: this, Health: mesh.HealthUnreachable})
	w.samples(mesh.Samples{
		Probe:  "p",
		RTT:    []mesh.RTTSample{{Peer: this, RTT: time.Second}},
		Health: []mesh.HealthSample{{Peer: this, Health: mesh.HealthUnreachable}},
	})
	if p, ok := w.s.Peer(this); ok {
		t.Errorf("this node is among its own peers: %+v", p)
	}
	load := 1.5
	w.samples(mesh.Samples{Probe: "i", Inventory: []mesh.Inventory{{Node: this, CPULoad1m: &load}}})
	if p := w.peer(this); p.Inventory == nil || *p.Inventory.CPULoad1m != load || p.Name != "here" {
		t.Errorf("its inventory should be kept: %+v", p)
	}
}

func TestB17_SamplesThatAreNotRenewedGo(t *testing.T) {
	w := newWorld(t)
	w.samples(rttOf(1, 20))
	w.samples(mesh.Samples{Probe: "h", Health: []mesh.HealthSample{{Peer: 1, Health: mesh.HealthHealthy}}})
	w.hear(mesh.RTTSample{Peer: 2, RTT: time.Millisecond}, mesh.HealthSample{Peer: 2, Health: mesh.HealthDegraded})
	w.tick(59.9)
	if !w.peer(1).HasRTT || w.peer(1).Health != mesh.HealthHealthy {
		t.Error("gone before their time")
	}
	w.tick(60)
	if _, ok := w.s.Peer(1); ok {
		t.Error("what was not renewed should be gone, and the peer with it")
	}
	w.tick(100_000)
	if !w.peer(2).HasRTT || w.peer(2).Health != mesh.HealthDegraded {
		t.Error("what came as events should stay until changed")
	}
	w.samples(rttOf(2, 5))
	w.tick(100_060)
	if w.peer(2).HasRTT {
		t.Error("an entry that a probe took over should age like one of its own")
	}
}

func TestB17_AFailedPollChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.samples(rttOf(1, 20))
	w.to(30).samples(mesh.Samples{Probe: "p", Err: "hung", RTT: []mesh.RTTSample{{Peer: 1, RTT: time.Hour}}})
	equal(t, "rtt", w.peer(1).RTT, 20*time.Millisecond)
}

func TestReportedRTTIsJudgedOnceEvenIfAProbeMeasuresInBetween(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.RTTSample{Peer: 1, RTT: 300 * time.Millisecond})
	w.samples(rttOf(1, 1))
	equal(t, "rtt shown", w.peer(1).RTT, time.Millisecond)
	equal(t, "rtt to judge", w.peer(1).Reported, 300*time.Millisecond)
	w.tick(1)
	w.s.EndPass(func(n mesh.NodeID) bool { return n == 1 })
	if !w.peer(1).HasReported {
		t.Error("a report whose mark could not be handed out is not judged yet")
	}
	w.s.EndPass(func(mesh.NodeID) bool { return false })
	if w.peer(1).HasReported {
		t.Error("a report should be judged once")
	}
	w.hear(mesh.RTTSample{Peer: 1, RTT: 300 * time.Millisecond}, mesh.RTTSample{Peer: 1, RTT: time.Millisecond})
	equal(t, "a later report replaces an earlier one", w.peer(1).Reported, time.Millisecond)
}

func inventory(probe string, invs ...mesh.Inventory) mesh.Samples {
	return mesh.Samples{Probe: probe, Inventory: invs}
}

func TestCore289_InventoryMergesPerAxis(t *testing.T) {
	w := newWorld(t)
	load := 2.0
	w.samples(inventory("a", mesh.Inventory{Node: 1, CPULoad1m: &load, Capabilities: []string{"b", "a", "b"}}))
	version := "1.2.3"
	w.samples(inventory("b", mesh.Inventory{Node: 1, SoftwareVersion: &version}))
	inv := w.peer(1).Inventory
	if *inv.CPULoad1m != load || *inv.SoftwareVersion != version || len(inv.Capabilities) != 2 || inv.Capabilities[0] != "a" {
		t.Errorf("got %+v", inv)
	}
	w.samples(inventory("b", mesh.Inventory{Node: 1, Capabilities: []string{"c"}}))
	if got := w.peer(1).Inventory.Capabilities; len(got) != 1 || got[0] != "c" {
		t.Errorf("a set that is not empty should replace the older: %v", got)
	}
}

func TestB18_InventoryGoesWhenEveryOwnerAnswersWithoutIt(t *testing.T) {
	w := newWorld(t)
	one, two := mesh.Inventory{Node: 1}, mesh.Inventory{Node: 2}
	w.samples(inventory("a", one, two))
	w.samples(inventory("b", one, two))
	w.samples(inventory("a", two))
	if w.peer(1).Inventory == nil {
		t.Error("the other owner still reports it")
	}
	w.samples(inventory("b")) // empty: says nothing
	w.samples(mesh.Samples{Probe: "b", Err: "failed"})
	if w.peer(1).Inventory == nil {
		t.Error("an empty or failed answer proves nothing")
	}
	w.samples(inventory("b", two))
	if w.peer(1).Inventory != nil {
		t.Error("both owners answered without it")
	}
	if w.peer(2).Inventory == nil {
		t.Error("the other peer should stay")
	}
	w.samples(inventory("a", one))
	w.samples(inventory("b", one))
	w.samples(inventory("a", two))
	w.samples(inventory("a", one, two))
	w.samples(inventory("b", two))
	if w.peer(1).Inventory == nil {
		t.Error("a probe that reports it again is its owner again")
	}
}

func TestB17_APeerTakenOutLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Peers = []mesh.ConfiguredPeer{{ID: 1, Name: "one"}, {ID: 2, Name: "two"}}
	})
	equal(t, "name", w.peer(1).Name, "one")
	load := 1.0
	w.hear(mesh.RTTSample{Peer: 1, RTT: time.Second}, mesh.HealthSample{Peer: 1, Health: mesh.HealthHealthy})
	w.samples(inventory("a", mesh.Inventory{Node: 1, CPULoad1m: &load}))
	w.admin(mesh.Cordon{Node: 1}, mesh.EnterMaintenance{Node: 1})
	e := w.s.HandOut(mesh.MarkAvoid{Peer: 1, Reason: "slow", TTL: time.Minute})
	w.input(mesh.Outcome{ID: e.ID, OK: true, Final: true})
	if !w.s.Avoids(1) {
		t.Fatal("the peer should be avoided")
	}
	w.input(mesh.Reload{Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 2, Name: "zwei"}}}})
	if p, ok := w.s.Peer(1); ok || w.s.Avoids(1) {
		t.Errorf("left behind: %+v", p)
	}
	equal(t, "name", w.peer(2).Name, "zwei")
}

func TestHolderIsLiveUntilTheGraceIsOver(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.HealthSample{Peer: 1, Health: mesh.HealthUnreachable})
	w.to(20).hear(mesh.HealthSample{Peer: 1, Health: mesh.HealthUnreachable}) // no new beginning
	w.tick(29)
	equal(t, "within the grace", w.s.Live(1), true)
	w.tick(30)
	equal(t, "after the grace", w.s.Live(1), false)
	w.hear(mesh.HealthSample{Peer: 1, Health: mesh.HealthDegraded})
	equal(t, "degraded", w.s.Live(1), true)
	equal(t, "never heard of", w.s.Live(77), true)
}

// A dead holder must not count as live because its health is forgotten: then a holder that
// is live would be evicted.
func TestB17_WhatATakenOutPeerHeldGoesToo(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Peers = []mesh.ConfiguredPeer{{ID: 1}, {ID: 2}}
	})
	w.hear(added(7, 1), added(7, 2), mesh.ReplicaLeader{Chain: 7, Leader: 1}, added(8, 1),
		mesh.BlobAnnouncement{Blob: 9, Holder: 1, Added: true}, mesh.HealthSample{Peer: 1, Health: mesh.HealthUnreachable})
	w.tick(30)
	w.input(mesh.Reload{Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 2}}}})
	w.tick(31)
	c, _ := w.s.Chain(7)
	equalNodes(t, "holders", c.Holders, 2)
	equalNodes(t, "live holders", w.s.LiveHolders(c), 2)
	equal(t, "leader", c.Leader, 0)
	if _, ok := w.s.Chain(8); ok {
		t.Error("a chain that only it held is left")
	}
	if _, ok := w.s.Blob(9); ok {
		t.Error("a blob that only it held is left")
	}
}

func TestB17_PeersThatAreTakenOutTogetherLeaveNothing(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Peers = []mesh.ConfiguredPeer{{ID: 1}, {ID: 2}, {ID: 3}}
	})
	w.hear(added(7, 1), added(7, 2), added(7, 3), added(8, 1), added(8, 2), mesh.ReplicaLeader{Chain: 9, Leader: 2},
		mesh.BlobAnnouncement{Blob: 4, Holder: 1, Added: true}, mesh.BlobAnnouncement{Blob: 4, Holder: 2, Added: true})
	w.input(mesh.Reload{Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 3}}}})
	w.tick(1)
	c, _ := w.s.Chain(7)
	equalNodes(t, "holders", c.Holders, 3)
	for _, id := range []mesh.ChainID{8, 9} {
		if c, ok := w.s.Chain(id); ok {
			t.Errorf("chain %d is left: %+v", id, c)
		}
	}
	if _, ok := w.s.Blob(4); ok {
		t.Error("a blob that only they held is left")
	}
}

func TestB17_ATakenOutPeerIsNotATarget(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Peers = []mesh.ConfiguredPeer{{ID: 1}, {ID: 2}}
	})
	w.hear(added(7, 2), mesh.ReplicaLeader{Chain: 7, Leader: this})
	w.tick(1)
	w.input(mesh.Scores{ViewVersion: 1, Chains: []mesh.ChainScore{{
		Chain: 7, Holders: []mesh.NodeScore{{Node: 2, Score: 0.1}}, Best: &mesh.NodeScore{Node: 1, Score: 1},
	}}})
	w.s.BeginRebalance(state.Rebalance{Chain: 7, Worst: 2, Target: 1})
	if _, _, ok := w.s.Alternative(7); !ok {
		t.Fatal("the alternative should be known")
	}
	w.input(mesh.Reload{Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 2}}}})
	if _, _, ok := w.s.Alternative(7); ok {
		t.Error("it is still an alternative")
	}
	equal(t, "moves to it", w.s.Moving(), 0)
	if score, ok := w.s.Score(7, 2); !ok || score != 0.1 {
		t.Error("the score of another should stay")
	}
}

func TestB17_AMarkOfATakenOutPeerCountsNoMore(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.Desired.Peers = []mesh.ConfiguredPeer{{ID: 1}} })
	e := w.s.HandOut(mesh.MarkAvoid{Peer: 1, Reason: "slow", TTL: time.Minute})
	w.input(mesh.Reload{})
	w.outcome(e.ID, true, "")
	equal(t, "avoided", w.s.Avoids(1), false)
	equal(t, "failures", len(w.s.Failures()), 0)
	equal(t, "how it ended", w.s.Actions()[0].Reason, "the peer was taken out of the configuration")
}
