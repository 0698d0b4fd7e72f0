package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// world is a node 1 that sees something of everything.
func world() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Node:     1,
		Peers:    snapshot.PeersOf(snapshot.Peer{Node: 30}, snapshot.Peer{Node: 1}, snapshot.Peer{Node: 10}, snapshot.Peer{Node: 20}),
		Replicas: snapshot.ReplicasOf(snapshot.Replica{Chain: 100, Holders: []mesh.NodeID{7, 8, 9}}, snapshot.Replica{Chain: 101}),
		Daemons: snapshot.DaemonsOf(
			snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 7, Name: "telemetry"}, Restart: snapshot.RestartBackingOff},
			snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 8}, Restart: snapshot.RestartIdle},
		),
		Migrations: []mesh.Migration{{ID: 5, Source: 1, Target: 10, Phase: mesh.MigrationTransfer}},
	}
}

func frozen() *snapshot.Snapshot {
	s := world()
	s.Frozen = snapshot.At(mesh.Time(time.Minute))
	return s
}

// blast is what a case expects; warnings by their kinds.
type blast struct {
	nodes, replicas []uint64
	daemons         []*meshosv1.DaemonRef
	delay           time.Duration
	delta           float32
	warnings        string
}

func TestSimulate(t *testing.T) {
	peers := []uint64{10, 20, 30}
	empty := &snapshot.Snapshot{Node: 1}
	daemon := func(id mesh.DaemonID, name string) mesh.DaemonRef { return mesh.DaemonRef{ID: id, Name: name} }
	for _, c := range []struct {
		name string
		s    *snapshot.Snapshot
		ev   mesh.AdminEvent
		want blast
	}{
		{"Operator001 freeze, nobody there", empty, mesh.FreezeCluster{TTL: 30 * time.Second}, blast{
			nodes: []uint64{1}, delay: 30 * time.Second, warnings: "cluster_freeze_blocks_operator_actions",
		}},
		{"Operator002 freeze", world(), mesh.FreezeCluster{TTL: time.Minute}, blast{
			nodes: []uint64{1}, delay: time.Minute, warnings: "cluster_freeze_blocks_operator_actions freeze_local_to_answering_node",
		}},
		{"thaw", frozen(), mesh.ThawCluster{}, blast{warnings: "thaw_resumes_pending_reconciles thaw_local_to_answering_node"}},
		{"Operator004 thaw of nothing", world(), mesh.ThawCluster{}, blast{warnings: "thaw_has_no_freeze_to_cancel"}},
		{"Operator005 flush of one node", world(), mesh.FlushAvoidLists{Local: 42}, blast{
			nodes: []uint64{42}, warnings: "avoid_flush_local_to_target_node_only",
		}},
		{"flush on one peer", world(), mesh.FlushAvoidLists{OnPeer: 42}, blast{nodes: peers, delta: 0.05, warnings: "avoid_flush_recovers_peer"}},
		{"Operator007 flush of all", world(), mesh.FlushAvoidLists{Global: true}, blast{
			nodes: peers, delta: 0.10, warnings: "global_avoid_flush_may_re_emit",
		}},
		{"Operator008 evict", world(), mesh.ForceEvictReplica{Chain: 100, Victim: 7}, blast{
			nodes: []uint64{7}, replicas: []uint64{100}, delta: 0.15, warnings: "forced_eviction_bypasses_cooldown",
		}},
		{"evict of an unknown chain", world(), mesh.ForceEvictReplica{Chain: 1, Victim: 7}, blast{
			nodes: []uint64{7}, replicas: []uint64{1}, delta: 0.15,
			warnings: "forced_eviction_bypasses_cooldown forced_eviction_targets_unknown_chain",
		}},
		{"Operator010 evict from a non-holder", world(), mesh.ForceEvictReplica{Chain: 100, Victim: 999}, blast{
			nodes: []uint64{999}, replicas: []uint64{100}, delta: 0.15,
			warnings: "forced_eviction_bypasses_cooldown forced_eviction_targets_non_holder",
		}},
		{"Operator011 restart", world(), mesh.ForceRestartDaemon{Daemon: daemon(7, "telemetry")}, blast{
			daemons: []*meshosv1.DaemonRef{{Id: 7, Name: "telemetry"}}, warnings: "forced_restart_bypasses_backoff",
		}},
		{"restart of an unknown daemon", world(), mesh.ForceRestartDaemon{Daemon: daemon(9, "x")}, blast{
			daemons:  []*meshosv1.DaemonRef{{Id: 9, Name: "x"}},
			warnings: "forced_restart_bypasses_backoff forced_restart_targets_unknown_daemon",
		}},
		{"Operator013 restart of an idle daemon", world(), mesh.ForceRestartDaemon{Daemon: daemon(8, "")}, blast{
			daemons:  []*meshosv1.DaemonRef{{Id: 8}},
			warnings: "forced_restart_bypasses_backoff forced_restart_daemon_not_in_backoff",
		}},
		{"Operator014 cutover", world(), mesh.ForceCutover{Chain: 100, Target: 42}, blast{
			nodes: []uint64{42}, replicas: []uint64{100}, delta: 0.15, warnings: "forced_cutover_bypasses_placement_scorer",
		}},
		{"a chain that is only wished for is known", world(), mesh.ForceCutover{Chain: 101, Target: 42}, blast{
			nodes: []uint64{42}, replicas: []uint64{101}, delta: 0.15, warnings: "forced_cutover_bypasses_placement_scorer",
		}},
		{"cutover of an unknown chain", empty, mesh.ForceCutover{Chain: 100, Target: 42}, blast{
			nodes: []uint64{42}, replicas: []uint64{100}, delta: 0.15,
			warnings: "forced_cutover_bypasses_placement_scorer forced_cutover_targets_unknown_chain",
		}},
		{"Operator016 cutover to a holder", world(), mesh.ForceCutover{Chain: 100, Target: 8}, blast{
			nodes: []uint64{8}, replicas: []uint64{100}, delta: 0.15,
			warnings: "forced_cutover_bypasses_placement_scorer forced_cutover_target_already_holder",
		}},
		{"Operator017 kill of nothing", world(), mesh.KillMigration{Migration: 7}, blast{
			warnings: "kill_migration_dispatcher_integration_pending",
		}},
		{"kill", world(), mesh.KillMigration{Migration: 5}, blast{
			daemons: []*meshosv1.DaemonRef{{Id: 5}}, warnings: "kill_migration_dispatcher_integration_pending",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := operator.Simulate(c.s, c.ev)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, w := range got.GetWarnings() {
				kinds = append(kinds, w.GetKind())
				if w.GetDetail() == "" {
					t.Errorf("%s says nothing to a person", w.GetKind())
				}
			}
			if k := strings.Join(kinds, " "); k != c.want.warnings {
				t.Errorf("warnings %q, want %q", k, c.want.warnings)
			}
			want := &meshosv1.BlastRadius{
				AffectedNodes: c.want.nodes, AffectedReplicas: c.want.replicas, AffectedDaemons: c.want.daemons,
				PlacementStabilityDelta: c.want.delta, Warnings: got.GetWarnings(),
			}
			if c.want.delay != 0 {
				want.EstimatedDrainDelay = durationpb.New(c.want.delay)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTheHashIsThatOfAllThatIsShown(t *testing.T) {
	seen := make(map[[rules.HashSize]byte]string)
	for name, c := range map[string]struct {
		s  *snapshot.Snapshot
		ev mesh.AdminEvent
	}{
		"freeze": {world(), freeze()}, "longer": {world(), mesh.FreezeCluster{TTL: time.Hour}}, "alone": {&snapshot.Snapshot{}, freeze()},
		"thaw": {world(), mesh.ThawCluster{}}, "thaw of a freeze": {frozen(), mesh.ThawCluster{}},
	} {
		for range 2 {
			b, err := operator.Simulate(c.s, c.ev)
			if err != nil {
				t.Fatal(err)
			}
			hash, err := operator.Hash(b)
			if err != nil {
				t.Fatal(err)
			}
			if other, known := seen[hash]; known && other != name {
				t.Errorf("%s and %s have the same hash", name, other)
			}
			seen[hash] = name
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d hashes of 5 simulations that were made twice", len(seen))
	}
}

func TestWhatIsNotSimulated(t *testing.T) {
	for _, ev := range []mesh.AdminEvent{cordon(), mesh.DropReplicas{Node: 1}, mesh.FreezeCluster{}, mesh.FreezeCluster{TTL: 25 * time.Hour}} {
		if b, err := operator.Simulate(world(), ev); err == nil {
			t.Errorf("%+v is simulated as %v", ev, b)
		}
	}
}

func TestAFreezeSaysWhichNodesItReaches(t *testing.T) {
	s := world()
	s.Info = &snapshot.Info{Name: "alpha"}
	s.Peers = snapshot.PeersOf(snapshot.Peer{Node: 30}, snapshot.Peer{Node: 10, Name: "beta"})
	detail := func(ev mesh.AdminEvent) string {
		b, err := operator.Simulate(s, ev)
		if err != nil {
			t.Fatal(err)
		}
		return b.GetWarnings()[1].GetDetail()
	}
	if got := detail(freeze()); got != "only node 1 (alpha) is asked, and it is frozen; nodes 10 (beta), 30 go on until the command is sent to each of them, too" {
		t.Errorf("it says %q", got)
	}
	s.Frozen, s.Peers = snapshot.At(mesh.Time(time.Minute)), snapshot.PeersOf(snapshot.Peer{Node: 30})
	if got := detail(mesh.ThawCluster{}); got != "only node 1 (alpha) is asked, and its freeze ends; node 30 stays as it is until the command is sent to it, too" {
		t.Errorf("it says %q", got)
	}
}
