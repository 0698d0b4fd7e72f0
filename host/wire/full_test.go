package wire_test

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

func ptr[T any](v T) *T { return &v }

// fullSnapshot sets every field that a snapshot has.
func fullSnapshot() *snapshot.Snapshot {
	wall := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(d time.Duration) snapshot.Mark { return snapshot.At(mesh.Time(time.Hour + d)) }
	return &snapshot.Snapshot{
		Node: 1, Epoch: 18446744073709551615, Tick: 12, TakenAt: wall, Now: mesh.Time(time.Hour),
		Daemons: snapshot.DaemonsOf(
			snapshot.Daemon{
				Daemon: mesh.DaemonRef{ID: 1, Name: "demo\xff"}, Lifecycle: snapshot.Running,
				Health: mesh.DaemonHealth{Status: mesh.DaemonDegraded, Reason: "slow"}, Saturation: 0.5,
				Restart: snapshot.RestartBackingOff, RestartAt: at(time.Second), Placement: 1, Since: at(-time.Minute),
				Intent: mesh.IntentRun,
			},
			snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 2}, Lifecycle: snapshot.Stopped, Restart: snapshot.RestartIdle, Placement: 1},
		),
		Replicas: snapshot.ReplicasOf(
			snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2}, HasDesired: true, Leader: 2},
			snapshot.Replica{Chain: 8},
		),
		Peers: snapshot.PeersOf(
			snapshot.Peer{
				Node: 1, Health: mesh.HealthUnknown,
				Inventory: &mesh.Inventory{Node: 1, MemTotalBytes: ptr(uint64(1024)), Capabilities: []string{"arch=amd64"}},
			},
			snapshot.Peer{
				Node: 2, Name: "two", RTT: 123 * time.Microsecond, HasRTT: true, Health: mesh.HealthHealthy,
				Maintenance: mesh.PhaseActive, Cordoned: true, HealthReason: "timed out",
				HealthSince: at(-3 * time.Second),
				Echoes:      mesh.Echoes{Sent: 4, Received: 3, Jitter: time.Millisecond, Reason: "no such name"},
			},
		),
		AvoidList: snapshot.AvoidListOf(snapshot.Avoid{Peer: 2, Reason: "slow", Until: mesh.Time(time.Hour + 4*time.Minute)}),
		Maintenance: snapshot.Maintenance{
			Phase: mesh.PhaseEntering, Since: at(-time.Second), Deadline: at(time.Minute), Reason: "why",
			Cordoned: true, Draining: true, Waiting: snapshot.Waiting{Chains: snapshottest.Chains(7)},
		},
		Emitted: []mesh.Emitted{{
			ID: 17, At: mesh.Time(time.Hour - time.Second),
			Action: mesh.StopDaemon{Daemon: mesh.DaemonRef{ID: 1}, Deadline: mesh.Time(time.Hour + 30*time.Second)},
		}},
		Migrations: []mesh.Migration{{
			ID: 9, Phase: mesh.MigrationReplay, Source: 1, Target: 2, Elapsed: time.Minute, InPhase: time.Second,
			SnapshotBytes: ptr(uint64(5)), Retries: 1, ProgressPercent: ptr(uint32(70)), BufferedEvents: 3,
		}},
		Frozen: at(time.Hour),
		Audit: []mesh.AuditRecord{
			{Seq: 1, Wall: wall, Event: mesh.ThawCluster{}, Outcome: mesh.Verification{Verdict: mesh.VerdictUnverified}},
			{Seq: 2, Wall: wall, Event: mesh.ThawCluster{}, Outcome: mesh.Verification{Verdict: mesh.VerdictUnverified}},
		},
		Logs: []mesh.LogRecord{
			{Seq: 5, Wall: wall, Level: mesh.LevelInfo, Message: "a"},
			{Seq: 6, Wall: wall, Level: mesh.LevelInfo, Message: "b"},
		},
		Failures: []mesh.FailureRecord{
			{Seq: 3, Wall: wall, Source: "plugin:x", Reason: "a"},
			{Seq: 4, Wall: wall, Source: "plugin:x", Reason: "b"},
		},
		Acknowledged: snapshot.AcknowledgedThrough{Audit: 1, Log: 5, Failure: 3},
		Plugins: []snapshot.Plugin{{
			Name: "x", Version: "1.0.0", Kinds: []string{"locality_probe"}, Status: snapshot.PluginBackingOff,
			Message: "exit status 2", Restarts: 1, Calls: 2, Failures: 3, LastCall: time.Millisecond,
			RestartIn: ptr(time.Second), PID: 4711, SHA256: "abc",
		}},
		Stats: snapshot.Stats{
			EventsApplied: 1, Ticks: 2, ActionsEmitted: 3, ActionsDropped: 4, Dispatched: 5, Failed: 6, Deferred: 7,
			Gated: 8, DispatchRetries: 9, BackpressureAsserts: 10, BackpressureReleases: 11, AppendFailures: 12,
			LastTickTook: 13 * time.Microsecond, TickP50: 14 * time.Microsecond, TickP99: 15 * time.Microsecond, EventsPerTick: 16.5,
		},
		Scheduler: &snapshot.Scheduler{
			Active: true, IdleReason: "x is backing off", ViewVersion: 11, Age: ptr(3 * time.Second), ChainsScored: 12, Moving: 1,
		},
		Moving: 1,
		Info: &snapshot.Info{
			Name: "one", Cluster: "prod", Version: "1.2.3", StartedAt: wall, Uptime: time.Minute,
			Operators: []string{"ana"}, Unsigned: true, Ordinary: 1, BreakGlass: 2,
		},
	}
}

const fullSnapshotJSON = `{
	"node":1,"epoch":"18446744073709551615","epoch_hex":"ffffffffffffffff","tick":12,"taken_at":"2026-01-02T03:04:05Z",
	"daemons":[
		{"daemon":{"id":1,"name":"demo\ufffd"},"lifecycle":"LIFECYCLE_RUNNING",
		 "health":{"status":"STATUS_DEGRADED","reason":"slow"},"saturation":0.5,"restart":"RESTART_BACKING_OFF",
		 "restart_in":"1s","placement":1,"age":"60s","intent":"INTENT_RUN"},
		{"daemon":{"id":2},"lifecycle":"LIFECYCLE_STOPPED","restart":"RESTART_IDLE","placement":1,"age":"0s"}],
	"replicas":[{"chain":7,"holders":[1,2],"desired":0,"leader":2},{"chain":8}],
	"peers":[
		{"peer":1,"inventory":{"peer":1,"mem_total_bytes":1024,"capabilities":["arch=amd64"]}},
		{"peer":2,"name":"two","rtt":"0.000123s","health":"NODE_HEALTH_HEALTHY",
		 "maintenance":"MAINTENANCE_PHASE_ACTIVE","cordoned":true,
			"health_reason":"timed out","health_since":"3s","loss":0.25,"jitter":"0.001s","rtt_reason":"no such name","echoes":{"sent":4,"received":3}}],
	"avoid_list":[{"peer":2,"reason":"slow","ttl":"240s"}],
	"local_maintenance":{"phase":"MAINTENANCE_PHASE_ENTERING","since":"1s","deadline":"60s","reason":"why",
		"cordoned":true,"draining":true,"waiting_for":["chain 7"]},
	"recently_emitted":[{"id":17,"kind":"stop_daemon","age":"1s",
		"action":{"stop_daemon":{"daemon":{"id":1},"grace":"30s"}}}],
	"recent_failures":[
		{"epoch":"18446744073709551615","seq":3,"at":"2026-01-02T03:04:05Z","node":1,"epoch_hex":"ffffffffffffffff","source":"plugin:x","reason":"a"},
		{"epoch":"18446744073709551615","seq":4,"at":"2026-01-02T03:04:05Z","node":1,"epoch_hex":"ffffffffffffffff","source":"plugin:x","reason":"b","chain_pending":true}],
	"freeze_remaining":"3600s",
	"admin_audit":[
		{"epoch":"18446744073709551615","seq":1,"committed_at":"2026-01-02T03:04:05Z","event":{"thaw_cluster":{}},"node":1,"epoch_hex":"ffffffffffffffff",
		 "outcome":{"verdict":"VERDICT_UNVERIFIED"}},
		{"epoch":"18446744073709551615","seq":2,"committed_at":"2026-01-02T03:04:05Z","event":{"thaw_cluster":{}},"node":1,"epoch_hex":"ffffffffffffffff",
		 "outcome":{"verdict":"VERDICT_UNVERIFIED"},"chain_pending":true}],
	"logs":[
		{"epoch":"18446744073709551615","seq":5,"at":"2026-01-02T03:04:05Z","level":"LOG_LEVEL_INFO","node":1,"epoch_hex":"ffffffffffffffff","message":"a"},
		{"epoch":"18446744073709551615","seq":6,"at":"2026-01-02T03:04:05Z","level":"LOG_LEVEL_INFO","node":1,"epoch_hex":"ffffffffffffffff","message":"b",
		 "chain_pending":true}],
	"in_flight_migrations":[{"migration":9,"phase":"PHASE_REPLAY","source":1,"target":2,"elapsed":"60s","in_phase":"1s",
		"snapshot_bytes":5,"retries":1,"progress_percent":70,"buffered_events":3}],
	"plugins":[{"name":"x","version":"1.0.0","kinds":["locality_probe"],"status":"STATUS_BACKING_OFF",
		"message":"exit status 2","restarts":1,"calls":2,"failures":3,"last_call":"0.001s","restart_in":"1s",
		"pid":4711,"sha256":"abc"}],
	"stats":{"events_applied":1,"ticks":2,"actions_emitted":3,"actions_dropped":4,"dispatched":5,"failed":6,"deferred":7,
		"gated":8,"dispatch_retries":9,"backpressure_asserts":10,"backpressure_releases":11,"append_failures":12,
		"last_tick_took":"0.000013s","tick_p50":"0.000014s","tick_p99":"0.000015s","events_per_tick":16.5},
	"scheduler":{"active":true,"idle_reason":"x is backing off","view_version":11,"age":"3s","chains_scored":12,"moving":1},
	"info":{"name":"one","cluster":"prod","version":"1.2.3","started_at":"2026-01-02T03:04:05Z","uptime":"60s",
		"operators":["ana"],"unsigned_accepted":true,"ordinary":1,"break_glass":2}
}`
