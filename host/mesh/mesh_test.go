package mesh_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

func TestCore007_SNP18_EveryActionHasItsKind(t *testing.T) {
	want := map[string]mesh.Action{
		"start_daemon": mesh.StartDaemon{}, "stop_daemon": mesh.StopDaemon{},
		"pull_replica": mesh.PullReplica{}, "drop_replica": mesh.DropReplica{},
		"request_placement": mesh.RequestPlacement{}, "request_eviction": mesh.RequestEviction{},
		"migrate_blob": mesh.MigrateBlob{}, "reduce_heat": mesh.ReduceHeat{},
		"mark_avoid": mesh.MarkAvoid{}, "apply_backoff": mesh.ApplyBackoff{},
		"commit_maintenance_transition": mesh.CommitTransition{},
	}
	for kind, a := range want {
		if a.Kind() != kind || a.Key().Kind != kind {
			t.Errorf("%T: kind %q, key %q, want %q", a, a.Kind(), a.Key().Kind, kind)
		}
	}
}

func TestCore005_OnlyBreakGlassCommandsPassAFreeze(t *testing.T) {
	ice := map[string]bool{
		"freeze_cluster": true, "thaw_cluster": true, "flush_avoid_lists": true, "force_evict_replica": true,
		"force_restart_daemon": true, "force_cutover": true, "kill_migration": true, "expel_node": true, "checkpoint": true, "set_signers": true,
	}
	all := []mesh.AdminEvent{
		mesh.EnterMaintenance{},
		mesh.ExitMaintenance{},
		mesh.Drain{},
		mesh.Cordon{},
		mesh.Uncordon{},
		mesh.RestartAllDaemons{},
		mesh.ClearAvoidList{},
		mesh.DropReplicas{},
		mesh.InvalidatePlacement{},
		mesh.SetDaemonIntent{},
		mesh.SetPlacement{},
		mesh.SetLocalReplica{},
		mesh.StopNode{},
		mesh.RestartDaemon{},
		mesh.ReloadDaemon{},
		mesh.SignalDaemon{},
		mesh.FreezeCluster{},
		mesh.ThawCluster{},
		mesh.FlushAvoidLists{},
		mesh.ForceEvictReplica{},
		mesh.ForceRestartDaemon{},
		mesh.ForceCutover{},
		mesh.KillMigration{},
		mesh.AdmitNode{},
		mesh.ExpelNode{},
		mesh.SetSigners{},
		mesh.Checkpoint{},
		mesh.AcknowledgeRecovery{},
	}
	for _, ev := range all {
		if ev.BreakGlass() != ice[ev.Kind()] {
			t.Errorf("%s: break-glass %v", ev.Kind(), ev.BreakGlass())
		}
	}
}

func TestTheSubjectOfAKeyIsNotItsVictimOrTarget(t *testing.T) {
	if (mesh.RequestEviction{Chain: 1, Victim: 2}).Key() != (mesh.RequestEviction{Chain: 1, Victim: 3}).Key() {
		t.Error("two evictions of one chain should share a key")
	}
	if (mesh.ApplyBackoff{Daemon: mesh.DaemonRef{ID: 1}, Until: 2}).Key() == (mesh.ApplyBackoff{Daemon: mesh.DaemonRef{ID: 1}, Until: 3}).Key() {
		t.Error("backoffs with different release times should not share a key")
	}
}

func TestTimeSaturates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := mesh.Time(rapid.Int64().Draw(t, "a"))
		d := time.Duration(rapid.Int64().Draw(t, "d"))
		sum := a.Add(d)
		if (d >= 0 && sum < a) || (d <= 0 && sum > a) {
			t.Fatalf("%d + %d = %d went the wrong way", a, d, sum)
		}
		b := mesh.Time(rapid.Int64().Draw(t, "b"))
		if diff := a.Sub(b); (a > b && diff <= 0) || (a < b && diff >= 0) || (a == b && diff != 0) {
			t.Fatalf("%d - %d = %d has the wrong sign", a, b, diff)
		}
		if a.Since(b) < 0 || a.Until(b) < 0 {
			t.Fatal("an age is never negative")
		}
	})
	if mesh.Never.Add(1) != mesh.Never || mesh.Time(math.MinInt64).Sub(1) != math.MinInt64 {
		t.Error("the ends should hold")
	}
}

func TestDaemonRefReadsWell(t *testing.T) {
	if got := (mesh.DaemonRef{ID: 3, Name: "telemetry"}).String(); got != "3 (telemetry)" {
		t.Error(got)
	}
	if got := (mesh.DaemonRef{ID: 3}).String(); got != "3" {
		t.Error(got)
	}
}
