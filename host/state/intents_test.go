package state_test

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// configured is a configuration of one daemon and one chain.
func configured(run bool, pin mesh.NodeID, replicas uint32, hold mesh.HoldIntent) mesh.Configured {
	return mesh.Configured{
		Daemons: []mesh.ConfiguredDaemon{{Daemon: ref(1), Run: run, Node: pin}},
		Chains:  []mesh.ConfiguredChain{{ID: 7, Replicas: &replicas, Hold: hold}},
	}
}

func (w *world) desired(id mesh.ChainID) uint32 {
	c, _ := w.s.Chain(id)
	return c.Desired
}

func (w *world) lastLog() string {
	logs := w.s.Logs()
	if len(logs) == 0 {
		return ""
	}
	return logs[len(logs)-1].Message
}

func TestB25_AnOrderWinsUntilTheFilesOwnValueChanges(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.Desired = configured(true, 0, 2, mesh.HoldKeep) })
	three := uint32(3)
	w.admin(
		mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: mesh.IntentStop},
		mesh.SetPlacement{Node: this, Chain: 7, Desired: &three},
		mesh.SetLocalReplica{Node: this, Chain: 7, Intent: mesh.HoldDrop},
	)
	check := func(when string, intent mesh.RunIntent, desired uint32, hold mesh.HoldIntent) {
		t.Helper()
		c, _ := w.s.Chain(7)
		equal(t, when+": intent", w.daemon(1).Intent, intent)
		equal(t, when+": desired", c.Desired, desired)
		equal(t, when+": hold", c.Hold, hold)
	}
	check("ordered", mesh.IntentStop, 3, mesh.HoldDrop)
	equal(t, "by an order", w.daemon(1).By != nil, true)
	w.input(mesh.Reload{Desired: configured(true, 9, 2, mesh.HoldKeep)})
	check("another key changed", mesh.IntentStop, 3, mesh.HoldDrop)
	equal(t, "nothing is said", w.lastLog(), "")
	w.input(mesh.Reload{Desired: configured(true, 9, 5, mesh.HoldKeep)})
	check("replicas changed", mesh.IntentStop, 5, mesh.HoldDrop)
	if got := w.lastLog(); !strings.Contains(got, "to have 3 replicas of chain 7") || !strings.Contains(got, "changed replicas from 2 to 5") {
		t.Errorf("logged %q", got)
	}
	w.input(mesh.Reload{Desired: configured(true, 9, 5, mesh.HoldNone)})
	check("hold changed", mesh.IntentStop, 5, mesh.HoldNone)
	w.input(mesh.Reload{Desired: configured(false, 9, 5, mesh.HoldNone)})
	check("run changed", mesh.IntentStop, 5, mesh.HoldNone)
	equal(t, "by the file", w.daemon(1).By == nil, true)
	w.input(mesh.Reload{})
	equal(t, "removed", w.daemon(1).Intent, mesh.IntentStop)
}

func TestB25_AResetReturnsToTheFile(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.Desired = configured(true, 0, 2, mesh.HoldKeep) })
	w.hear(
		mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentStop, Node: 9},
		mesh.PlacementIntent{Chain: 7, Desired: 4},
		mesh.LocalReplicaIntent{Chain: 7, Intent: mesh.HoldDrop},
	)
	equal(t, "stopped", w.daemon(1).Intent, mesh.IntentStop)
	w.admin(
		mesh.SetDaemonIntent{Node: this, Daemon: ref(1)},
		mesh.SetPlacement{Node: this, Chain: 7},
		mesh.SetLocalReplica{Node: this, Chain: 7},
	)
	c, _ := w.s.Chain(7)
	equal(t, "intent", w.daemon(1).Intent, mesh.IntentRun)
	equal(t, "pin", w.daemon(1).Pin, 0)
	equal(t, "desired", c.Desired, 2)
	equal(t, "hold", c.Hold, mesh.HoldKeep)
	w.admin(mesh.SetDaemonIntent{Node: this, Daemon: ref(5)}, mesh.SetPlacement{Node: this, Chain: 5}, mesh.SetLocalReplica{Node: this, Chain: 5})
	_, daemon := w.s.Daemon(5)
	_, chain := w.s.Chain(5)
	equal(t, "a reset makes nothing", daemon || chain, false)
}

func TestB25_IntentsAreForTheNodeThatTheyName(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) { b.Desired = configured(true, 0, 2, mesh.HoldKeep) })
	three := uint32(3)
	effects := w.admin(
		mesh.SetDaemonIntent{Node: 9, Daemon: ref(1), Intent: mesh.IntentStop},
		mesh.SetPlacement{Node: 9, Chain: 7, Desired: &three},
		mesh.SetLocalReplica{Node: 9, Chain: 7, Intent: mesh.HoldDrop},
		mesh.StopNode{Node: 9},
	)
	equal(t, "intent", w.daemon(1).Intent, mesh.IntentRun)
	equal(t, "desired", w.desired(7), 2)
	equal(t, "effects", len(effects), 0)
	effects = w.admin(mesh.StopNode{Node: this})
	equal(t, "ends", len(effects) == 1 && effects[0] == state.EndNode{}, true)
}
