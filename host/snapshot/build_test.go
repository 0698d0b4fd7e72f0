package snapshot_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

const this mesh.NodeID = 100

func at(sec float64) mesh.Stamp {
	d := time.Duration(sec * float64(time.Second))
	return mesh.Stamp{At: mesh.Time(time.Hour + d), Wall: time.Unix(1_700_000_000, 0).Add(d)}
}

func fold(evs ...mesh.Event) *state.State {
	s := state.New(state.Boot{At: at(0), Node: this, NodeName: "here", Epoch: 9, Policy: statetest.Policy()})
	for _, ev := range evs {
		s.Apply(at(0), mesh.Heard{Event: ev})
	}
	return s
}

// after takes a pass and the view behind it.
func after(s *state.State, sec float64) *snapshot.Snapshot {
	reconcile.Pass(s, at(sec), 100)
	return snapshot.Build(s, at(sec))
}

func added(c mesh.ChainID, n mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: c, Holder: n}
}

func TestEmptySnapshotSaysWhoAndWhen(t *testing.T) {
	snap := after(fold(), 1)
	if snap.Node != this || snap.Epoch != 9 || snap.Tick != 1 || !snap.TakenAt.Equal(at(1).Wall) {
		t.Errorf("got %+v", snap)
	}
	if snap.Maintenance.Phase != mesh.PhaseActive || snap.Maintenance.Since.Set() || snap.Frozen.Set() {
		t.Errorf("got %+v", snap.Maintenance)
	}
}

func TestSNP05_06_Replicas(t *testing.T) {
	snap := after(fold(
		added(8, 3), added(8, 1), added(8, 2), mesh.ReplicaLeader{Chain: 8, Leader: 1}, mesh.PlacementIntent{Chain: 8, Desired: 5},
		mesh.PlacementIntent{Chain: 3, Desired: 3}, mesh.ReplicaLeader{Chain: 3, Leader: 7},
		mesh.ReplicaLeader{Chain: 4, Leader: 7},
	), 1)
	if snap.Replicas.Len() != 2 {
		t.Fatalf("got %+v", snap.Replicas)
	}
	none, _ := snap.Replicas.Get(3)
	five, _ := snap.Replicas.Get(8)
	if none.Chain != 3 || len(none.Holders) != 0 || !none.HasDesired || none.Desired != 3 || none.Leader != 7 {
		t.Errorf("desired only: %+v", none)
	}
	if five.Chain != 8 || !reflect.DeepEqual(five.Holders, []mesh.NodeID{1, 2, 3}) || five.Desired != 5 || five.Leader != 1 {
		t.Errorf("held: %+v", five)
	}
}

func TestSNP08_09_Daemons(t *testing.T) {
	s := fold(
		mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 2, Name: "b"}, Intent: mesh.IntentRun},
		mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 1, Name: "a"}},
	)
	s.Apply(at(1.5), mesh.Heard{Event: mesh.DaemonCrashed{Daemon: mesh.DaemonRef{ID: 1}}})
	s.Apply(at(1.5), mesh.Heard{Event: mesh.DaemonSaturationChanged{Daemon: mesh.DaemonRef{ID: 1}, Saturation: 0.5}})
	snap := after(s, 1.7)
	a, _ := snap.Daemons.Get(1)
	b, _ := snap.Daemons.Get(2)
	if a.Daemon.Name != "a" || a.Lifecycle != snapshot.Stopped || *a.Since.Since(snap.Now) != 200*time.Millisecond || a.Placement != this ||
		a.Restart != snapshot.RestartBackingOff || *a.RestartAt.Until(snap.Now) != 300*time.Millisecond || a.Saturation != 0.5 || a.Intent != mesh.IntentNone {
		t.Errorf("crashed: %+v", a)
	}
	if b.Lifecycle != snapshot.Starting || *b.Since.Since(snap.Now) != 0 || b.Restart != snapshot.RestartIdle || b.RestartAt.Set() || b.Intent != mesh.IntentRun {
		t.Errorf("starting: %+v", b)
	}
}

func TestPeers(t *testing.T) {
	s := state.New(state.Boot{At: at(0), Node: this, NodeName: "here", Policy: statetest.Policy(), Desired: mesh.Configured{
		Peers: []mesh.ConfiguredPeer{{ID: 5, Name: "five"}},
	}})
	load := 1.5
	s.Apply(at(0), mesh.Samples{Probe: "i", Inventory: []mesh.Inventory{{Node: this, CPULoad1m: &load}}})
	s.Apply(at(0), mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 6, RTT: 33 * time.Millisecond}}})
	s.Apply(at(0), mesh.Heard{Event: mesh.AdminReceived{Event: mesh.Cordon{Node: 6}}})
	snap := after(s, 1)
	if snap.Peers.Len() != 3 {
		t.Fatalf("got %+v", snap.Peers)
	}
	five, _ := snap.Peers.Get(5)
	six, _ := snap.Peers.Get(6)
	here, _ := snap.Peers.Get(this)
	if five.Node != 5 || five.Name != "five" || five.HasRTT || five.Health != mesh.HealthUnknown {
		t.Errorf("configured, nothing known yet: %+v", five)
	}
	if six.Node != 6 || six.RTT != 33*time.Millisecond || !six.Cordoned {
		t.Errorf("measured: %+v", six)
	}
	if here.Node != this || here.Name != "here" || *here.Inventory.CPULoad1m != load || here.HasRTT || here.Maintenance != mesh.PhaseActive {
		t.Errorf("B19 this node: %+v", here)
	}
	s.Apply(at(1), mesh.Heard{Event: mesh.AdminReceived{Event: mesh.Cordon{Node: this}}})
	if m := after(s, 2).Maintenance; !m.Cordoned {
		t.Errorf("B11 this node's cordon is in its maintenance: %+v", m)
	}
}

func TestSDK15_RelativeTimesNeverRunBelowZero(t *testing.T) {
	s := fold(mesh.RTTSample{Peer: 5, RTT: time.Second},
		mesh.AdminReceived{Event: mesh.EnterMaintenance{Node: this}}, mesh.AdminReceived{Event: mesh.FreezeCluster{TTL: time.Minute}})
	snap := after(s, 20)
	if *snap.Frozen.Until(snap.Now) != 40*time.Second || *snap.Maintenance.Since.Since(snap.Now) != 20*time.Second || *snap.Maintenance.Deadline.Until(snap.Now) != 580*time.Second {
		t.Errorf("got %v %+v", snap.Frozen, snap.Maintenance)
	}
	snap = after(s, 700)
	if *snap.Maintenance.Deadline.Until(snap.Now) != 0 || snap.Frozen.Set() {
		t.Errorf("got %v %+v", snap.Frozen, snap.Maintenance)
	}
	if len(snap.Emitted) != 2 || snap.Emitted[0].At != snap.Now || snap.Emitted[1].At != snap.Now {
		t.Errorf("Core301 an action of this pass has age 0: %+v", snap.Emitted)
	}
}

func TestASnapshotStaysAsItIs(t *testing.T) {
	s := fold(added(1, 1), mesh.LogLine{Level: mesh.LevelInfo, Message: "one"}, mesh.AdminReceived{Event: mesh.Cordon{Node: 5}})
	snap := after(s, 1)
	before := *snap
	one, _ := snap.Replicas.Get(1)
	holders := append([]mesh.NodeID(nil), one.Holders...)
	for i := range 5000 {
		s.Apply(at(2), mesh.Heard{Event: added(1, mesh.NodeID(i+2))})
		s.Apply(at(2), mesh.Heard{Event: mesh.LogLine{Level: mesh.LevelInfo, Message: "more"}})
		s.Apply(at(2), mesh.Heard{Event: mesh.AdminReceived{Event: mesh.Cordon{Node: 7}}})
	}
	after(s, 3)
	if !reflect.DeepEqual(before, *snap) || !reflect.DeepEqual(holders, one.Holders) || snap.Logs[0].Message != "one" {
		t.Error("a snapshot changed after it was taken")
	}
}

// What is ordered about chains is with the chains that are shown, and beside them for others.
func TestOrdersOfChainsAreThoseOfTheState(t *testing.T) {
	s, b := fold(added(8, 1), added(9, 1)), snapshot.NewBuilder()
	before := b.Build(s, at(1))
	same := func(what string, want bool) {
		t.Helper()
		now := b.Build(s, at(1))
		if got := now.Orders.Same(&before.Orders); got != want {
			t.Errorf("%s: the orders are the same: %v", what, got)
		}
		if d := cmp.Diff(s.Orders(), now.Orders.State(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: %s", what, d)
		}
		before = now
	}
	for _, step := range []struct {
		what  string
		event mesh.Event
		same  bool
	}{
		{"an order about a chain that is shown", mesh.PlacementIntent{Chain: 8, Desired: 5}, false},
		{"an order about one that is not", mesh.LocalReplicaIntent{Chain: 3, Intent: mesh.HoldDrop}, false},
		{"one that is not shown is", added(3, 4), false},
		{"another holder", added(8, 2), true},
		{"another chain", added(10, 2), true},
		{"another order", mesh.PlacementIntent{Chain: 9, Desired: 2}, false},
	} {
		s.Apply(at(1), mesh.Heard{Event: step.event})
		same(step.what, step.same)
	}
}
