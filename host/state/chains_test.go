package state_test

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func added(c mesh.ChainID, n mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: c, Holder: n}
}

func removed(c mesh.ChainID, n mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: c, Holder: n}
}

func TestCore068_HoldersFollowTheOrderOfEvents(t *testing.T) {
	w := newWorld(t)
	w.hear(added(1, 11), added(1, 12), removed(1, 11))
	equalNodes(t, "holders", w.holders(1), 12)
}

func TestCore070_RepairedIsAdded(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.ReplicaUpdate{Change: mesh.ReplicaRepaired, Chain: 1, Holder: 12}, added(1, 11), added(1, 11))
	equalNodes(t, "holders", w.holders(1), 11, 12)
}

func TestCore071_LostLeavesTheLeader(t *testing.T) {
	w := newWorld(t)
	w.hear(added(1, 11), added(1, 12), mesh.ReplicaLeader{Chain: 1, Leader: 11},
		mesh.ReplicaUpdate{Change: mesh.ReplicaLost, Chain: 1, Holder: 11})
	c, _ := w.s.Chain(1)
	equal(t, "leader", c.Leader, 11)
	equalNodes(t, "holders", c.Holders, 12)
}

func TestCore073_B17_AnEmptyChainGoesAtTheNextTick(t *testing.T) {
	w := newWorld(t)
	w.hear(added(1, 11), removed(1, 11), added(2, 11), mesh.PlacementIntent{Chain: 2, Desired: 3}, removed(2, 11))
	if c, ok := w.s.Chain(1); !ok || len(c.Holders) != 0 {
		t.Errorf("before the tick: %v %v", c, ok)
	}
	w.tick(1)
	if _, ok := w.s.Chain(1); ok {
		t.Error("a chain that nobody holds or wants should be forgotten")
	}
	if _, ok := w.s.Chain(2); !ok {
		t.Error("a chain of which replicas are wanted should stay")
	}
}

func TestB17_ALeaderNamedBeforeAnyHolderIsKept(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.ReplicaLeader{Chain: 1, Leader: this}, added(2, 11), removed(2, 11), mesh.ReplicaLeader{Chain: 2, Leader: this})
	w.tick(1)
	w.hear(added(1, this), added(2, this))
	for _, id := range []mesh.ChainID{1, 2} {
		if c, _ := w.s.Chain(id); c.Leader != this {
			t.Errorf("chain %d: leader %d was forgotten", id, c.Leader)
		}
	}
	w.hear(mesh.ReplicaLeader{Chain: 3, Leader: this}, mesh.ReplicaLeader{Chain: 3})
	w.tick(2)
	if _, ok := w.s.Chain(3); ok {
		t.Error("a chain whose leadership ended without any holder should go")
	}
}

func TestCore074_VacancyKeepsTheHolders(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.ReplicaTransition{Kind: mesh.BecameHolderAndLeader, Chain: 1, Holder: this}, mesh.ReplicaLeader{Chain: 1})
	w.tick(1)
	c, ok := w.s.Chain(1)
	if !ok || c.Leader != 0 {
		t.Errorf("got %v %v", c, ok)
	}
	equalNodes(t, "holders", c.Holders, this)
}

func TestB16_Core076_AStaleStepDownDoesNotClearANewerLeader(t *testing.T) {
	w := newWorld(t)
	w.hear(added(1, 11), added(1, 12), mesh.ReplicaLeader{Chain: 1, Leader: 12},
		mesh.ReplicaTransition{Kind: mesh.LeaderLostAndRemoved, Chain: 1, Holder: 11})
	c, _ := w.s.Chain(1)
	equal(t, "leader", c.Leader, 12)
	equalNodes(t, "holders", c.Holders, 12)
	w.hear(mesh.ReplicaTransition{Kind: mesh.LeaderLostAndRemoved, Chain: 1, Holder: 12})
	c, _ = w.s.Chain(1)
	equal(t, "MSC04 leader after its own step-down", c.Leader, 0)
	equalNodes(t, "holders", c.Holders)
	w.hear(mesh.ReplicaTransition{Kind: mesh.LeaderLostAndRemoved, Chain: 9, Holder: 12}) // unknown chain: nothing
}

func TestCore077_HolderAndLeaderAsOneStep(t *testing.T) {
	w := newWorld(t)
	w.hear(added(1, 11), mesh.ReplicaLeader{Chain: 1, Leader: 11},
		mesh.ReplicaTransition{Kind: mesh.BecameHolderAndLeader, Chain: 1, Holder: 12})
	c, _ := w.s.Chain(1)
	equal(t, "leader", c.Leader, 12)
	equalNodes(t, "holders", c.Holders, 11, 12)
}

func TestCore079_080_Blobs(t *testing.T) {
	w := newWorld(t)
	say := func(blob mesh.BlobID, holder mesh.NodeID, size uint64, here bool) {
		w.hear(mesh.BlobAnnouncement{Blob: blob, Holder: holder, SizeBytes: size, Added: here})
	}
	say(1, 11, 10, true)
	say(1, 11, 20, true)
	b, _ := w.s.Blob(1)
	equal(t, "size", b.SizeBytes, 20)
	equalNodes(t, "holders", b.Holders, 11)
	say(2, 11, 0, false)
	if _, ok := w.s.Blob(2); ok {
		t.Error("Core080: giving up an unknown blob should make no entry")
	}
	say(1, 9, 20, true)
	b, _ = w.s.Blob(1)
	equalNodes(t, "holders in the order of their announcements", b.Holders, 11, 9)
	say(1, 11, 0, false)
	say(1, 9, 0, false)
	w.tick(1)
	if _, ok := w.s.Blob(1); ok {
		t.Error("B17: a blob that nobody holds should be forgotten")
	}
}

func TestCore082_PlacementIntentIsDesiredOnly(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.PlacementIntent{Chain: 1, Desired: 3})
	c, _ := w.s.Chain(1)
	if !c.HasDesired || c.Desired != 3 || len(c.Holders) != 0 || c.Leader != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestCore083_ShutdownAndLogLinesChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.hear(mesh.Shutdown{}, mesh.LogLine{Level: mesh.LevelInfo, Message: "hello"})
	for range w.s.Chains() {
		t.Error("a chain appeared")
	}
	for range w.s.Daemons() {
		t.Error("a daemon appeared")
	}
	equal(t, "log lines", len(w.s.Logs()), 1)
}

func TestCore170_AnIntentReplacesADropOrder(t *testing.T) {
	w := newWorld(t)
	w.hear(added(1, this), added(2, this))
	w.admin(mesh.DropReplicas{Node: this, Chains: []mesh.ChainID{1}}, mesh.DropReplicas{Node: 5, Chains: []mesh.ChainID{2}})
	c, _ := w.s.Chain(1)
	equal(t, "intent", c.Hold, mesh.HoldDrop)
	c, _ = w.s.Chain(2)
	equal(t, "Core166 intent of an order to another node", c.Hold, mesh.HoldNone)
	w.hear(mesh.LocalReplicaIntent{Chain: 1, Intent: mesh.HoldKeep})
	c, _ = w.s.Chain(1)
	equal(t, "intent", c.Hold, mesh.HoldKeep)
}

func TestB17_AnOrderToDropWaitsForItsReplica(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.DropReplicas{Node: this, Chains: []mesh.ChainID{1}})
	w.hear(mesh.LocalReplicaIntent{Chain: 2, Intent: mesh.HoldDrop})
	w.tick(599)
	w.hear(added(1, this))
	c, _ := w.s.Chain(1)
	equal(t, "before the holder is known", c.Hold, mesh.HoldDrop)
	w.tick(600)
	if _, ok := w.s.Chain(2); ok {
		t.Error("a chain that nobody holds is remembered for ever")
	}
	w.hear(removed(1, this))
	w.tick(601)
	if _, ok := w.s.Chain(1); !ok {
		t.Error("the time of an order counts from when the chain was held last")
	}
	w.tick(1200)
	if _, ok := w.s.Chain(1); ok {
		t.Error("a chain that nobody holds any more is remembered for ever")
	}
}

func TestWhatTheConfigurationSaysOfAChainHoldsBeforeItIsHeld(t *testing.T) {
	none := uint32(0)
	w := newWorld(t, func(b *state.Boot) {
		b.Desired.Chains = []mesh.ConfiguredChain{{ID: 1, Replicas: &none, Hold: mesh.HoldDrop}}
	})
	w.tick(10_000)
	w.hear(added(1, this))
	c, _ := w.s.Chain(1)
	equal(t, "intent", c.Hold, mesh.HoldDrop)
	equal(t, "has a desired number", c.HasDesired, true)
	w.hear(removed(1, this))
	w.input(mesh.Reload{})
	w.tick(10_001)
	if _, ok := w.s.Chain(1); ok {
		t.Error("a chain that was taken out of the configuration is left")
	}
}

func TestReloadTakesOnlyConfiguredWishesAway(t *testing.T) {
	three := uint32(3)
	conf := func(cs ...mesh.ConfiguredChain) mesh.Configured { return mesh.Configured{Chains: cs} }
	w := newWorld(t, func(b *state.Boot) { b.Desired = conf(mesh.ConfiguredChain{ID: 1, Replicas: &three}) })
	w.hear(mesh.LocalReplicaIntent{Chain: 1, Intent: mesh.HoldKeep}, mesh.PlacementIntent{Chain: 2, Desired: 5})
	w.input(mesh.Reload{Desired: conf(mesh.ConfiguredChain{ID: 2, Hold: mesh.HoldKeep})})
	c, _ := w.s.Chain(1)
	equal(t, "the configured number goes", c.HasDesired, false)
	equal(t, "that of an event stays", c.Hold, mesh.HoldKeep)
	c, _ = w.s.Chain(2)
	equal(t, "the configured intent comes", c.Hold, mesh.HoldKeep)
	equal(t, "that of an event stays", c.Desired, 5)
}
