package wire_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// same compares a message with the expected one in the contract's JSON.
func same[M proto.Message](t *testing.T, got, fresh M, want string) {
	t.Helper()
	if err := protojson.Unmarshal([]byte(want), fresh); err != nil {
		t.Fatalf("the test's own JSON: %v", err)
	}
	if diff := cmp.Diff(fresh, got, protocmp.Transform()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestActionsAsTheyLeave(t *testing.T) {
	const now = mesh.Time(10 * time.Second)
	daemon := mesh.DaemonRef{ID: 3, Name: "telemetry"}
	for _, c := range []struct {
		in   mesh.Action
		want string
	}{
		{mesh.StartDaemon{Daemon: daemon}, `{"start_daemon":{"daemon":{"id":3,"name":"telemetry"}}}`},
		{
			mesh.StopDaemon{Daemon: daemon, Reason: "drain", Deadline: now.Add(2500 * time.Millisecond)},
			`{"stop_daemon":{"daemon":{"id":3,"name":"telemetry"},"reason":"drain","grace":"2.5s"}}`,
		},
		{ // a deadline that is past leaves nothing, never less
			mesh.StopDaemon{Daemon: daemon, Deadline: now - 1},
			`{"stop_daemon":{"daemon":{"id":3,"name":"telemetry"},"grace":"0s"}}`,
		},
		{mesh.PullReplica{Chain: 7, Source: 2}, `{"pull_replica":{"chain":7,"source":2}}`},
		{mesh.DropReplica{Chain: 7}, `{"drop_replica":{"chain":7}}`},
		{mesh.RequestPlacement{Chain: 7, Exclude: []mesh.NodeID{1, 2}}, `{"request_placement":{"chain":7,"exclude":[1,2]}}`},
		{mesh.RequestPlacement{Chain: 7, Target: 4}, `{"request_placement":{"chain":7,"target":4}}`},
		{mesh.TransferLeader{Chain: 7, To: 2}, `{"transfer_leader":{"chain":7,"to":2}}`},
		{mesh.RequestEviction{Chain: 7, Victim: 2}, `{"request_eviction":{"chain":7,"victim":2}}`},
		{mesh.MigrateBlob{Blob: 9, From: 1, To: 2}, `{"migrate_blob":{"blob":9,"from":1,"to":2}}`},
		{mesh.ReduceHeat{Blob: 9, By: 3}, `{"reduce_heat":{"blob":9,"by":3}}`},
		{mesh.MarkAvoid{Peer: 2, Reason: "slow", TTL: time.Minute}, `{"mark_avoid":{"peer":2,"reason":"slow","ttl":"60s"}}`},
		{
			mesh.ApplyBackoff{Daemon: daemon, Until: now.Add(time.Second)},
			`{"apply_backoff":{"daemon":{"id":3,"name":"telemetry"},"remaining":"1s"}}`,
		},
		{
			mesh.CommitTransition{Node: 1, Target: mesh.PhaseDrainFailed, Reason: "late"},
			`{"commit_maintenance_transition":{"node":1,"target":"MAINTENANCE_PHASE_DRAIN_FAILED","reason":"late"}}`,
		},
	} {
		t.Run(c.in.Kind(), func(t *testing.T) { same(t, wire.ActionToProto(c.in, now), &meshosv1.Action{}, c.want) })
	}
}

// The kinds that the host speaks of are the names in the contract.
func TestKindsAreTheContractsNames(t *testing.T) {
	actions := (&meshosv1.Action{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields()
	for _, action := range []mesh.Action{
		mesh.StartDaemon{},
		mesh.StopDaemon{},
		mesh.PullReplica{},
		mesh.DropReplica{},
		mesh.RequestPlacement{},
		mesh.RequestEviction{},
		mesh.TransferLeader{},
		mesh.MigrateBlob{},
		mesh.ReduceHeat{},
		mesh.MarkAvoid{},
		mesh.ApplyBackoff{},
		mesh.CommitTransition{},
		mesh.AskReload{},
		mesh.SendSignal{},
	} {
		message := wire.ActionToProto(action, 0).ProtoReflect()
		set := message.WhichOneof(message.Descriptor().Oneofs().ByName("kind"))
		if string(set.Name()) != action.Kind() {
			t.Errorf("%T is %s, in the contract %s", action, action.Kind(), set.Name())
		}
	}
	if actions.Len() != 14 {
		t.Errorf("the contract has %d actions, this test knows 14", actions.Len())
	}
}

func TestRecordsAsTheyLeave(t *testing.T) {
	origin := wire.Origin{Node: 1, Epoch: 99}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	same(t, origin.Audit(mesh.AuditRecord{
		Seq: 1, Wall: at, Event: mesh.Cordon{Node: 2},
		Operators: []mesh.Operator{{KeyID: "SHA256:x", Name: "ada", Verified: true}},
		Outcome:   mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "replayed", Message: "seen before"},
		CommitID:  []byte{1, 2}, Reason: "rehearsal",
	}, true), &meshosv1.AdminAuditRecord{}, `{
		"epoch":99,"seq":1,"committed_at":"2026-01-02T03:04:05Z","event":{"cordon":{"node":2}},
		"operators":[{"key_id":"SHA256:x","name":"ada","verified":true}],
		"outcome":{"verdict":"VERDICT_REJECTED","kind":"replayed","message":"seen before"},
		"chain_pending":true,"commit_id":"AQI=","reason":"rehearsal","node":1,"epoch_hex":"0000000000000063"}`)
	same(t, origin.Log(mesh.LogRecord{Seq: 2, Wall: at, Level: mesh.LevelWarn, Daemon: 3, Message: "x\xff"}, false),
		&meshosv1.LogRecord{}, `{
		"epoch":99,"seq":2,"at":"2026-01-02T03:04:05Z","level":"LOG_LEVEL_WARN","node":1,"daemon_id":3,"message":"x\ufffd","epoch_hex":"0000000000000063"}`)
	same(t, origin.Failure(mesh.FailureRecord{Seq: 3, Wall: at, Source: "action:17", Reason: "no actuator"}, true),
		&meshosv1.FailureRecord{}, `{
		"epoch":99,"seq":3,"at":"2026-01-02T03:04:05Z","source":"action:17","reason":"no actuator","chain_pending":true,"node":1,"epoch_hex":"0000000000000063"}`)
	same(t, origin.Action(mesh.ActionRecord{
		Seq: 4, Wall: at, At: 100, ID: 17, End: mesh.ActionFailed, Reason: "why",
		Action: mesh.StopDaemon{Daemon: mesh.DaemonRef{ID: 3}, Deadline: 100 + mesh.Time(time.Second)},
	}), &meshosv1.ActionRecord{}, `{
		"epoch":99,"seq":4,"at":"2026-01-02T03:04:05Z","action_id":17,"outcome":"OUTCOME_FAILED","reason":"why","node":1,"epoch_hex":"0000000000000063",
		"action":{"stop_daemon":{"daemon":{"id":3},"grace":"1s"}}}`)
}

// A rejected envelope may have held no command at all.
func TestAnAuditRecordWithoutACommandEncodes(t *testing.T) {
	got := wire.Origin{}.Audit(mesh.AuditRecord{Seq: 1}, false)
	if _, err := proto.Marshal(got); err != nil || got.GetEvent() != nil || got.GetCommittedAt() != nil {
		t.Fatalf("got %v, error %v", got, err)
	}
}

func TestAnEmptySnapshotEncodes(t *testing.T) {
	if wire.SnapshotToProto(nil) != nil {
		t.Error("no snapshot gives a message")
	}
	if _, err := proto.Marshal(wire.SnapshotToProto(&snapshot.Snapshot{})); err != nil {
		t.Error(err)
	}
}

func TestASnapshotAsItLeaves(t *testing.T) {
	same(t, wire.SnapshotToProto(fullSnapshot()), &meshosv1.Snapshot{}, fullSnapshotJSON)
}
