package wire_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestEventsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, "kind: must be set to a kind of event that this version knows"},
		{`{"replica_update":{}}`, "replica_update.kind: must be set"},
		{`{"replica_update":{"kind":9,"chain":1,"holder":2}}`, "replica_update.kind: has the unknown value 9"},
		{`{"replica_update":{"kind":-1,"chain":1,"holder":2}}`, "replica_update.kind: has the unknown value -1"},
		{`{"replica_update":{"kind":"KIND_ADDED","chain":1}}`, "replica_update.holder: must not be 0"},
		{`{"replica_update":{"kind":"KIND_ADDED","holder":1}}`, "replica_update.chain: must not be 0"},
		{`{"replica_leader":{"leader":1}}`, "replica_leader.chain: must not be 0"},
		{`{"replica_leader":{"chain":1,"leader":0}}`, "replica_leader.leader: must not be 0; leave it out for none"},
		{`{"replica_transition":{"chain":1,"holder":2}}`, "replica_transition.kind: must be set"},
		{`{"daemon_lifecycle":{"started":{}}}`, "daemon_lifecycle.daemon.id: must not be 0"},
		{`{"daemon_lifecycle":{"daemon":{"id":1}}}`, "daemon_lifecycle.signal: must be set to a signal that this version knows"},
		{`{"daemon_lifecycle":{"daemon":{"id":1},"health_changed":{}}}`, "daemon_lifecycle.health_changed.status: must be set"},
		{
			`{"daemon_lifecycle":{"daemon":{"id":1},"saturation_changed":"NaN"}}`,
			"daemon_lifecycle.saturation_changed: must be a finite number, is NaN",
		},
		{
			`{"daemon_lifecycle":{"daemon":{"id":1},"saturation_changed":"-Infinity"}}`,
			"daemon_lifecycle.saturation_changed: must be a finite number, is -Inf",
		},
		{`{"rtt_sample":{"rtt":"1s"}}`, "rtt_sample.peer: must not be 0"},
		{`{"rtt_sample":{"peer":2}}`, "rtt_sample.rtt: must be set"},
		{`{"rtt_sample":{"peer":2,"rtt":"-0.5s"}}`, "rtt_sample.rtt: must not be negative, is -500ms"},
		{`{"node_health":{"peer":2}}`, "node_health.health: must be set"},
		{`{"node_health":{"peer":2,"health":4}}`, "node_health.health: has the unknown value 4"},
		{`{"log_line":{"message":"x"}}`, "log_line.level: must be set"},
		{`{"log_line":{"level":"LOG_LEVEL_INFO","daemon_id":0}}`, "log_line.daemon_id: must not be 0; leave it out for none"},
		{`{"blob_announcement":{"blob":1}}`, "blob_announcement.holder: must not be 0"},
		{`{"placement_intent":{"desired_replicas":3}}`, "placement_intent.chain: must not be 0"},
		{`{"daemon_intent":{"daemon":{"id":1}}}`, "daemon_intent.intent: must be set"},
		{
			`{"daemon_intent":{"daemon":{"id":1},"intent":"INTENT_RUN","node":0}}`,
			"daemon_intent.node: must not be 0; leave it out for none",
		},
		{`{"local_replica_intent":{"chain":1}}`, "local_replica_intent.intent: must be set"},
		{`{"maintenance_observed":{"node":1}}`, "maintenance_observed.phase: must be set"},
		{
			`{"maintenance_observed":{"node":1,"phase":"MAINTENANCE_PHASE_ENTERING","deadline":"-1s"}}`,
			"maintenance_observed.deadline: must not be negative, is -1s",
		},
		{`{"admin":{}}`, "admin.kind: must be set to a kind of command that this version knows"},
		{`{"admin":{"cordon":{}}}`, "admin.cordon.node: must not be 0"},
		{`{"admin":{"enter_maintenance":{"node":1,"drain_for":"-1s"}}}`, "admin.enter_maintenance.drain_for: must not be negative, is -1s"},
		{`{"admin":{"drop_replicas":{"node":1,"chains":[1,0]}}}`, "admin.drop_replicas.chains[1]: must not be 0"},
		{`{"admin":{"freeze_cluster":{"ttl":"-1s"}}}`, "admin.freeze_cluster.ttl: must not be negative, is -1s"},
		{`{"admin":{"flush_avoid_lists":{}}}`, "admin.flush_avoid_lists.scope: must be set: local, on_peer or global"},
		{`{"admin":{"flush_avoid_lists":{"global":false}}}`, "admin.flush_avoid_lists.global: must be true, or another scope be set"},
		{`{"admin":{"flush_avoid_lists":{"local":0}}}`, "admin.flush_avoid_lists.local: must not be 0"},
		{`{"admin":{"force_restart_daemon":{}}}`, "admin.force_restart_daemon.daemon.id: must not be 0"},
		{`{"admin":{"force_cutover":{"chain":1}}}`, "admin.force_cutover.target: must not be 0"},
		{`{"admin":{"kill_migration":{}}}`, "admin.kill_migration.migration: must not be 0"},
		{`{"signed_commit":{}}`, "signed_commit.payload: must be set"},
	} {
		t.Run(c.in, func(t *testing.T) {
			var in meshosv1.Event
			if err := protojson.Unmarshal([]byte(c.in), &in); err != nil {
				t.Fatalf("the test's own input: %v", err)
			}
			event, signed, err := wire.EventFromProto(&in)
			var field *wire.FieldError
			if !errors.As(err, &field) || err.Error() != c.want {
				t.Fatalf("error %v, want %s", err, c.want)
			}
			if event != nil || signed != nil {
				t.Fatalf("got %v and %v beside the error", event, signed)
			}
		})
	}
}

func TestEventsThatOnlyCodeCanBuildAreRefused(t *testing.T) {
	rtt := func(d *durationpb.Duration) *meshosv1.Event {
		return &meshosv1.Event{Kind: &meshosv1.Event_RttSample{RttSample: &meshosv1.RttSample{Peer: 1, Rtt: d}}}
	}
	invalid := "rtt_sample.rtt: must be a valid duration, seconds and nanoseconds of one sign and in range"
	for name, c := range map[string]struct {
		in   *meshosv1.Event
		want string
	}{
		"nil event":      {nil, "kind: must be set to a kind of event that this version knows"},
		"nil sample":     {&meshosv1.Event{Kind: &meshosv1.Event_RttSample{}}, "rtt_sample.peer: must not be 0"},
		"nil leader":     {&meshosv1.Event{Kind: &meshosv1.Event_ReplicaLeader{}}, "replica_leader.chain: must not be 0"},
		"nanos too many": {rtt(&durationpb.Duration{Nanos: 2e9}), invalid},
		"mixed signs":    {rtt(&durationpb.Duration{Seconds: 1, Nanos: -1}), invalid},
		"far too long":   {rtt(&durationpb.Duration{Seconds: math.MaxInt64}), invalid},
		"not UTF-8": {&meshosv1.Event{Kind: &meshosv1.Event_LogLine{LogLine: &meshosv1.LogLine{
			Level: meshosv1.LogLevel_LOG_LEVEL_INFO, Message: "a\xffb",
		}}}, "log_line.message: must be valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := wire.EventFromProto(c.in); err == nil || err.Error() != c.want {
				t.Fatalf("error %v, want %s", err, c.want)
			}
		})
	}
}

// The core audits a freeze of 0 or of more than a day as malformed, so it has to
// get there.
func TestAFreezeOfAnyLengthPasses(t *testing.T) {
	for _, ttl := range []time.Duration{0, time.Minute, 48 * time.Hour, math.MaxInt64} {
		got, err := wire.AdminFromProto(wire.AdminToProto(mesh.FreezeCluster{TTL: ttl}))
		if err != nil || got != (mesh.FreezeCluster{TTL: ttl}) {
			t.Errorf("ttl %v: got %v, error %v", ttl, got, err)
		}
	}
	unset := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{FreezeCluster: &meshosv1.FreezeCluster{}}}
	if got, err := wire.AdminFromProto(unset); err != nil || got != (mesh.FreezeCluster{}) {
		t.Errorf("without a ttl: got %v, error %v", got, err)
	}
}

func TestALongDurationSaturates(t *testing.T) {
	in := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{FreezeCluster: &meshosv1.FreezeCluster{
		Ttl: &durationpb.Duration{Seconds: 315_576_000_000},
	}}}
	if got, err := wire.AdminFromProto(in); err != nil || got != (mesh.FreezeCluster{TTL: math.MaxInt64}) {
		t.Fatalf("got %v, error %v", got, err)
	}
}

func TestASignedCommitKeepsItsBytes(t *testing.T) {
	in := &meshosv1.Event{Kind: &meshosv1.Event_SignedCommit{SignedCommit: &meshosv1.SignedCommit{
		Payload: []byte{0xff, 0x00, 0x01}, Signatures: [][]byte{{1}, {2}},
	}}}
	event, signed, err := wire.EventFromProto(in)
	if err != nil || event != nil || signed == nil {
		t.Fatalf("event %v, signed %v, error %v", event, signed, err)
	}
	if string(signed.Payload) != "\xff\x00\x01" || len(signed.Signatures) != 2 {
		t.Fatalf("got %+v", signed)
	}
}

func TestInventoriesThatAreRefused(t *testing.T) {
	nan32, zero := float32(math.NaN()), uint64(0)
	inf, broken := math.Inf(1), "\xff"
	for want, in := range map[string]*meshosv1.PeerInventory{
		"peer: must not be 0":                               nil,
		"cpu_load_1m: must be a finite number, is +Inf":     {Peer: 1, CpuLoad_1M: &inf},
		"saturation_trend: must be a finite number, is NaN": {Peer: 1, SaturationTrend: &nan32},
		"software_version: must be valid UTF-8":             {Peer: 1, SoftwareVersion: &broken},
		"capabilities[1]: must be valid UTF-8":              {Peer: 1, Capabilities: []string{"a", "\xff"}},
		"forked_from: must not be 0; leave it out for none": {Peer: 1, ForkedFrom: &zero},
	} {
		if _, err := wire.InventoryFromProto(in); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestCapabilitiesComeOutSortedAndUnique(t *testing.T) {
	got, err := wire.InventoryFromProto(&meshosv1.PeerInventory{Peer: 1, Capabilities: []string{"b", "a", "b"}})
	if err != nil || len(got.Capabilities) != 2 || got.Capabilities[0] != "a" || got.Capabilities[1] != "b" {
		t.Fatalf("got %v, error %v", got.Capabilities, err)
	}
}

func TestMigrationsThatAreRefused(t *testing.T) {
	over := uint32(101)
	for want, in := range map[string]*meshosv1.MigrationView{
		"in_flight[1].migration: must not be 0":                      {},
		"in_flight[1].phase: has the unknown value 7":                {Migration: 1, Phase: 7},
		"in_flight[1].elapsed: must not be negative, is -1ns":        {Migration: 1, Elapsed: durationpb.New(-1)},
		"in_flight[1].progress_percent: must be at most 100, is 101": {Migration: 1, ProgressPercent: &over},
	} {
		list := &meshosv1.Migrations{InFlight: []*meshosv1.MigrationView{{Migration: 1}, in}}
		if _, err := wire.MigrationsFromProto(list); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
