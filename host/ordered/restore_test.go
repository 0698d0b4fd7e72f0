package ordered

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func ref(id mesh.DaemonID) mesh.DaemonRef { return mesh.DaemonRef{ID: id, Name: "d"} }

// file is a configuration of daemons 1 and 2 and of chain 7.
func file(run bool, replicas uint32) mesh.Configured {
	return mesh.Configured{
		Peers:   []mesh.ConfiguredPeer{{ID: 2, Name: "two"}},
		Daemons: []mesh.ConfiguredDaemon{{Daemon: ref(1), Run: run}, {Daemon: ref(2), Run: true, Essential: true}},
		Chains:  []mesh.ConfiguredChain{{ID: 7, Replicas: &replicas}},
	}
}

// kept returns what the machine would keep now, by the wall clock. The freeze is kept by
// the operators' memory.
func (m *machine) kept() *meshosv1.OrderedState {
	out := wire.OrdersToProto(m.state.Orders(), m.stamp())
	out.FrozenUntil, out.FrozenHere = nil, false
	return out
}

func genOrder() *rapid.Generator[mesh.AdminEvent] {
	return rapid.Custom(func(t *rapid.T) mesh.AdminEvent {
		node := mesh.NodeID(rapid.IntRange(1, 3).Draw(t, "node"))
		chain := mesh.ChainID(rapid.IntRange(7, 9).Draw(t, "chain"))
		daemon := ref(mesh.DaemonID(rapid.IntRange(1, 3).Draw(t, "daemon")))
		window := time.Duration(rapid.IntRange(1, 1000).Draw(t, "window")) * time.Second
		return rapid.SampledFrom([]mesh.AdminEvent{
			mesh.EnterMaintenance{Node: node, DrainFor: &window},
			mesh.EnterMaintenance{Node: node},
			mesh.ExitMaintenance{Node: node},
			mesh.Drain{Node: node, DrainFor: window},
			mesh.Cordon{Node: node},
			mesh.Uncordon{Node: node},
			mesh.DropReplicas{Node: this, Chains: []mesh.ChainID{chain}},
			mesh.FreezeCluster{TTL: window},
			mesh.ThawCluster{},
			mesh.ForceEvictReplica{Chain: chain, Victim: node},
			mesh.ForceCutover{Chain: chain, Target: node},
			mesh.ForceRestartDaemon{Daemon: daemon},
			mesh.SetDaemonIntent{Node: this, Daemon: daemon, Intent: mesh.RunIntent(rapid.IntRange(0, 2).Draw(t, "intent"))},
			mesh.SetPlacement{Node: this, Chain: chain, Desired: rapid.Ptr(rapid.Uint32Range(0, 5), true).Draw(t, "desired")},
			mesh.SetLocalReplica{Node: this, Chain: chain, Intent: mesh.HoldIntent(rapid.IntRange(0, 2).Draw(t, "hold"))},
			mesh.StopNode{Node: this},
		}).Draw(t, "order")
	})
}

// What a node holds, what the checkpoint and the entries above it lead to, and what all
// entries lead to are the same, wherever the checkpoint was taken and however long the node
// was down.
func TestB25_CheckpointAndLogLeadWhereEverythingLeads(t *testing.T) {
	testkit.Cases(t, 40)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "ordered")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		m := newMachine(t, dir, file(true, 2))
		_ = m.log.Close()
		m.fileSize = rapid.SampledFrom([]int64{0, 300}).Draw(t, "size of files")
		m.boot()
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			m.wall = m.wall.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "pause")))
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				m.log.keep(snapshot.Build(m.state, m.stamp()))
			case 1:
				m.publish(
					mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentStop, Node: 3},
					mesh.LogLine{Level: mesh.LevelInfo, Message: "not an order"},
					mesh.PlacementIntent{Chain: 8, Desired: 3},
					mesh.LocalReplicaIntent{Chain: 8, Intent: mesh.HoldKeep},
				)
			default:
				m.order(genOrder().Draw(t, "order"))
			}
		}
		before := m.kept()
		m.reboot(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "down")))
		after := m.kept()
		if diff := cmp.Diff(before, after, protocmp.Transform()); diff != "" {
			t.Fatalf("the checkpoint and the entries above it lead elsewhere (-live +restored):\n%s", diff)
		}
		if err := os.Remove(filepath.Join(dir, "ordered", checkpointName)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		m.reboot(0)
		if diff := cmp.Diff(before, m.kept(), protocmp.Transform()); diff != "" {
			t.Fatalf("all entries lead elsewhere (-live +restored):\n%s", diff)
		}
		_, err = os.Stat(filepath.Join(dir, "ordered", baseName))
		if notes := m.log.Notes(); len(notes) > 0 && err != nil {
			t.Fatalf("noted %q", notes)
		}
		_ = m.log.Close()
	})
}

func TestB25_WhatIsNotAnOrderIsInTheCheckpoint(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	for range 5 {
		m.publish(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonCrashed{Daemon: ref(1), Reason: "boom"})
	}
	m.order(mesh.EnterMaintenance{Node: this})
	m.tick(time.Second)
	m.state.Apply(m.stamp(), mesh.Heard{Event: mesh.MaintenanceObserved{Node: this, Phase: mesh.PhaseMaintenance}}) // as its commit does
	m.tick(time.Second)
	m.reboot(2 * time.Minute)
	d, _ := m.state.Daemon(1)
	until, closed := d.Gate.ReleaseAt()
	if left := m.stamp().At.Until(until); !closed || d.Gate.State() != state.GateCrashLooping || left != 5*time.Minute-2*time.Minute-2*time.Second {
		t.Errorf("the gate is in state %d, closed for %s", d.Gate.State(), left)
	}
	if got := m.state.Maintenance(); got.Phase != mesh.PhaseMaintenance || m.stamp().At.Since(got.Since) != 2*time.Minute+time.Second {
		t.Errorf("maintenance is %+v", got)
	}
}

func TestB25_AWindowGoesOnByWallTimeWhileTheNodeIsDown(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	m.publish(mesh.DaemonStarted{Daemon: ref(1)})
	m.order(mesh.Drain{Node: this, DrainFor: time.Hour})
	m.tick(time.Minute)
	m.reboot(20 * time.Minute)
	got := m.state.Maintenance()
	if left := m.stamp().At.Until(got.Deadline); !got.Draining || !got.Cordoned || left != 39*time.Minute {
		t.Errorf("%+v, %s left", got, left)
	}
	if got.By.Height != 1 || got.By.Operators != state.NamesOf("ana") {
		t.Errorf("ordered by %+v", got.By)
	}
	m.reboot(-30 * time.Minute) // the clock was set back to before the checkpoint
	if left := m.stamp().At.Until(m.state.Maintenance().Deadline); left != 59*time.Minute {
		t.Errorf("after the clock was set back %s are left", left)
	}
	m.publish(mesh.DaemonStarted{Daemon: ref(1)}) // it is adopted
	m.reboot(2 * time.Hour)
	m.publish(mesh.DaemonStarted{Daemon: ref(1)})
	m.tick(time.Second)
	if f := m.state.Failures(); len(f) != 1 || !strings.Contains(f[0].Reason, "the drain is not over after 1h0m0s") {
		t.Errorf("failures %v", f)
	}
}

// What is left here is not known at once after a restart.
func TestB25_AnEvacuationIsNotOverJustBecauseNothingIsKnownYet(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	m.publish(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: this})
	m.order(mesh.Drain{Node: this})
	m.reboot(time.Second)
	m.tick(time.Second)
	if !m.state.Maintenance().Draining {
		t.Error("the drain was over before the node could know")
	}
	m.tick(5 * time.Second)
	if got := m.state.Maintenance(); got.Draining || !m.state.Evacuating() || got.By.Height != 1 {
		t.Errorf("after a moment: %+v", got)
	}
}

func TestB25_TheFileWinsOverARestartIfItsOwnValueChanged(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	three := uint32(3)
	m.order(mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: mesh.IntentStop})
	m.order(mesh.SetDaemonIntent{Node: this, Daemon: ref(2), Intent: mesh.IntentStop})
	m.order(mesh.SetPlacement{Node: this, Chain: 7, Desired: &three})
	m.tick(time.Second)
	m.file = file(true, 5)
	m.file.Daemons = m.file.Daemons[:1]
	m.reboot(time.Minute)
	d, _ := m.state.Daemon(1)
	c, _ := m.state.Chain(7)
	_, removed := m.state.Daemon(2)
	if d.Intent != mesh.IntentStop || c.Desired != 5 || removed {
		t.Errorf("daemon 1: %v, chain 7: %d, daemon 2 is there: %v", d.Intent, c.Desired, removed)
	}
	said := strings.Join(m.said, "\n")
	if !strings.Contains(said, "order 3 of ana, to have 3 replicas of chain 7, does not hold any more: the configuration changed replicas from 2 to 5") ||
		!strings.Contains(said, "daemon 2 (d) is not in the configuration any more") || len(m.said) != 2 {
		t.Errorf("said:\n%s", said)
	}
	m.file = file(false, 5)
	m.tick(time.Second)
	m.reboot(time.Minute)
	m.file = file(true, 5)
	m.tick(time.Second)
	m.reboot(time.Minute)
	if d, _ := m.state.Daemon(1); d.Intent != mesh.IntentRun || len(m.said) != 0 {
		t.Errorf("the order came back: %v, %q", d.Intent, m.said)
	}
}
