package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the present time of all tests.
func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// shell runs command lines.
type shell struct {
	env      map[string]string
	in       string
	out, err plugintest.Buffer
}

func (s *shell) run(ctx context.Context, args ...string) int {
	return execute(ctx, &app{
		in: strings.NewReader(s.in), out: &s.out, err: &s.err,
		env: func(key string) string { return s.env[key] },
		now: noon, zone: time.UTC, version: "v1.2.3",
	}, args)
}

// node is a fake node behind the real API.
type node struct {
	*snapshottest.Source
	mu       sync.Mutex
	heard    []mesh.Event
	capacity int
	state    *state.State
}

func (n *node) PublishBatch(ctx context.Context, events []mesh.Event) (out mesh.Published, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, event := range events {
		if _, refused := event.(mesh.Shutdown); refused {
			out.Refused = append(out.Refused, mesh.RefusedEvent{
				Index: i, Verdict: mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "unsigned", Message: "it must be signed"},
			})
			continue
		}
		if n.capacity == 0 {
			<-ctx.Done()
			return out, errors.New("queue is full")
		}
		n.capacity--
		n.heard = append(n.heard, event)
		out.Taken++
	}
	return out, nil
}

func (n *node) ReadState(_ context.Context, visit func(*state.State)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	visit(n.state)
	return nil
}

func (*node) Recover(context.Context, wire.Recovery) (mesh.AuditRecord, error) {
	return mesh.AuditRecord{}, errors.New("there is no mesh")
}

func (*node) Commit(context.Context, wire.Signed) (mesh.AuditRecord, error) {
	return mesh.AuditRecord{Seq: 1}, nil
}

func (n *node) Describe(name string) (*hostv1.PluginDetail, error) {
	if name != "health-tcp" {
		return nil, errors.New(`the configuration has no plugin "` + name + `"`)
	}
	return &hostv1.PluginDetail{
		View: wire.PluginToProto(n.Latest().Plugins[1]),
		Path: "/usr/lib/meshos/health-tcp",
		Timeline: []*hostv1.PluginEvent{
			{At: timestamppb.New(noon().Add(-time.Minute)), What: "starting"},
			{At: timestamppb.New(noon()), What: "exited: signal: killed"},
		},
		LastExit: "signal: killed",
		LastStderr: []string{
			`{"@level":"warn","@message":"peer is unreachable","@module":"x","peer":3,"ns":1902000,"why":"no answer"}`, "panic: \x1b[31mred",
		},
		Warnings: []string{"timeout is longer than interval"},
	}, nil
}

// start serves the API of a fake node, and returns it with a shell whose environment names it.
func start(t *testing.T) (*node, *shell) {
	t.Helper()
	n := &node{Source: snapshottest.New(busy()), capacity: 5000}
	return n, serveNode(t, n)
}

// serveNode serves the API of a fake node, and returns a shell whose environment names it.
func serveNode(t *testing.T, n *node, change ...func(*api.Options)) *shell {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	opts := api.Options{Reader: n, Intake: n, Plugins: n, StateReader: n}
	for _, f := range change {
		f(&opts)
	}
	service := api.NewService(opts)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Serve(ctx, ln, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &shell{env: map[string]string{"MESHOS_ADDRESS": "unix:" + path}}
}

func ptr[T any](v T) *T { return &v }

// ago and ahead return marks of the snapshots here, whose Now is 0.
func ago(d time.Duration) snapshot.Mark   { return snapshot.At(mesh.Time(-d)) }
func ahead(d time.Duration) snapshot.Mark { return snapshot.At(mesh.Time(d)) }

// busy returns a snapshot with something in every list.
func busy() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Node: 1, Epoch: 0xabc, Tick: 1234, TakenAt: noon().Add(-300 * time.Millisecond),
		Daemons: snapshot.DaemonsOf(
			snapshot.Daemon{
				Daemon: mesh.DaemonRef{ID: 1, Name: "demo"}, Lifecycle: snapshot.Running, Restart: snapshot.RestartIdle,
				Since: ago(90 * time.Second), Intent: mesh.IntentRun, Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy},
			},
			snapshot.Daemon{
				Daemon: mesh.DaemonRef{ID: 2}, Lifecycle: snapshot.Stopped, Restart: snapshot.RestartBackingOff,
				RestartAt: ahead(1500 * time.Millisecond), Since: ago(300 * time.Millisecond), Intent: mesh.IntentRun,
				Health: mesh.DaemonHealth{Status: mesh.DaemonUnhealthy, Reason: "no answer"},
			},
		),
		Replicas: snapshot.ReplicasOf(snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2}, Desired: 3, HasDesired: true, Leader: 2}, snapshot.Replica{Chain: 8}),
		Peers: snapshot.PeersOf(
			snapshot.Peer{Node: 1, Name: "here", Inventory: &mesh.Inventory{
				Node: 1, CPULoad1m: ptr(0.42), MemUsedBytes: ptr(uint64(3 << 30)), MemTotalBytes: ptr(uint64(24 << 30)),
				DiskUsedBytes: ptr(uint64(150 << 30)), DiskTotalBytes: ptr(uint64(2 << 40)), SoftwareVersion: ptr("1.0.0"),
			}},
			snapshot.Peer{Node: 2, Name: "mirror", RTT: 123456 * time.Nanosecond, HasRTT: true, Health: mesh.HealthHealthy, Maintenance: mesh.PhaseActive},
			snapshot.Peer{Node: 3, Name: "evil\x1b[2J", RTT: 300 * time.Millisecond, HasRTT: true, Health: mesh.HealthDegraded, Cordoned: true},
			snapshot.Peer{
				Node: 4, Health: mesh.HealthUnreachable, HealthReason: "timed out", HealthSince: ago(12 * time.Second),
				Echoes: mesh.Echoes{Sent: 1, Reason: "timed out"},
			},
		),
		AvoidList: snapshot.AvoidListOf(snapshot.Avoid{Peer: 3, Reason: "rtt 300ms is above 250ms", Until: mesh.Time(4*time.Minute + 59*time.Second)}),
		Maintenance: snapshot.Maintenance{
			Phase: mesh.PhaseEntering, Since: ago(2 * time.Second), Deadline: ahead(10 * time.Minute), Cordoned: true,
			Waiting: snapshot.Waiting{Chains: snapshottest.Chains(7), Daemons: []mesh.DaemonRef{{ID: 1, Name: "demo"}}},
		},
		Emitted: []mesh.Emitted{
			{ID: 1, At: mesh.Time(-time.Hour - time.Minute), Action: mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: 1, Name: "demo"}}},
			{ID: 2, At: mesh.Time(-time.Second), Action: mesh.RequestPlacement{Chain: 7, Exclude: []mesh.NodeID{1, 2}, Target: 4}},
		},
		Migrations: []mesh.Migration{{ID: 9, Phase: mesh.MigrationReplay, Source: 1, Target: 2, Elapsed: time.Minute, ProgressPercent: ptr(uint32(70))}},
		Frozen:     ahead(time.Hour),
		Logs: []mesh.LogRecord{
			{Seq: 1, Wall: noon(), Level: mesh.LevelInfo, Message: "node starts"},
			{Seq: 2, Wall: noon(), Level: mesh.LevelInfo, Daemon: 1, Message: "hello\x1b[2J"},
			{Seq: 3, Wall: noon(), Level: mesh.LevelWarn, Daemon: 2, Message: "careful"},
			{Seq: 4, Wall: noon(), Level: mesh.LevelError, Message: "broken"},
		},
		Failures: []mesh.FailureRecord{
			{Seq: 1, Wall: noon(), Source: "plugin:health-tcp", Reason: "exited: signal: killed"},
			{Seq: 2, Wall: noon(), Source: "action:2", Reason: "no actuator"},
		},
		Plugins: []snapshot.Plugin{
			{
				Name: "appender-jsonl", Version: "1.0.0", Kinds: []string{"chain_appender"}, Status: snapshot.PluginReady,
				Calls: 7, LastCall: 1234567, PID: 4711,
			},
			{
				Name: "health-tcp", Version: "1.0.0", Kinds: []string{"health_probe"}, Status: snapshot.PluginBackingOff,
				Message: "signal: killed", Restarts: 2, Calls: 100, Failures: 3, LastCall: 2 * time.Millisecond,
				RestartIn: ptr(400 * time.Millisecond),
			},
		},
		Stats: snapshot.Stats{EventsApplied: 17, ActionsEmitted: 1, Dispatched: 1, LastTickTook: 43200 * time.Nanosecond, TickP50: 41 * time.Microsecond, TickP99: 1200 * time.Microsecond, EventsPerTick: 3.25},
	}
}

func (n *node) Probe(_ context.Context, peer uint64, _ bool) (*hostv1.ProbeResponse, error) {
	if peer != 2 {
		return nil, errors.New("the configuration has no peer with this id")
	}
	return probed(), nil
}

// probed is what the probes of the fake node find of peer 2.
func probed() *hostv1.ProbeResponse {
	ms := func(n float64) *durationpb.Duration {
		return durationpb.New(time.Duration(n * float64(time.Millisecond)))
	}
	return &hostv1.ProbeResponse{
		Peer: 2, Name: "two", Address: "10.0.0.2", HealthTarget: "https://10.0.0.2/healthz",
		Findings: []*hostv1.ProbeFinding{
			{Plugin: "locality-icmp", Measured: true, Took: ms(40), Result: &meshosv1.ProbeResult{
				Rtt:     &meshosv1.RttSample{Peer: 2, Rtt: ms(0.25), Sent: 3, Received: 2, Jitter: ms(0.01)},
				Details: []*meshosv1.ProbeDetail{{Name: "address", Value: "10.0.0.2\x1b[31m"}},
				PathMtu: &meshosv1.PathMtu{Bytes: 1400, Reason: "a larger packet: timed out"},
			}},
			{Plugin: "health-http", Measured: true, Took: ms(12), Result: &meshosv1.ProbeResult{
				Health: &meshosv1.NodeHealthSample{Peer: 2, Health: meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE, Reason: "answers 503 Service Unavailable"},
			}},
			{Plugin: "old-rtt", Age: ms(450), Result: &meshosv1.ProbeResult{Rtt: &meshosv1.RttSample{Peer: 2, Rtt: ms(3)}}},
			{Plugin: "broken", Error: "plugin broken is backing off"},
		},
	}
}
