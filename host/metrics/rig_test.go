package metrics_test

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/snapshot"
)

func ptr[T any](v T) *T { return &v }

// all is a snapshot of which every metric has a value.
func all() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Node: 1, Mesh: "of which metrics only know that there is one",
		Stats:     snapshot.Stats{Ticks: 7, EventsApplied: 9, ActionsEmitted: 3, ActionsDropped: 1},
		AvoidList: snapshot.AvoidListOf(snapshot.Avoid{Peer: 5}),
		Frozen:    snapshot.At(mesh.Time(90 * time.Second)),
		Maintenance: snapshot.Maintenance{
			Phase: mesh.PhaseEntering, Since: snapshot.At(mesh.Time(-2 * time.Second)), Cordoned: true, Waiting: snapshot.Waiting{Daemons: []mesh.DaemonRef{{ID: 7}}},
		},
		Peers: snapshot.PeersOf(
			snapshot.Peer{Node: 1, Inventory: &mesh.Inventory{
				CPULoad1m: ptr(0.5), MemUsedBytes: ptr(uint64(1)), MemTotalBytes: ptr(uint64(2)),
				DiskUsedBytes: ptr(uint64(3)), DiskTotalBytes: ptr(uint64(4)), SaturationTrend: ptr(float32(-0.5)),
				CPUs: ptr(1.5), CPUsUsed: ptr(0.25), MachineCPUs: ptr(uint32(8)), MachineCPUsUsed: ptr(3.5),
				MachineMemUsedBytes: ptr(uint64(5)), MachineMemTotalBytes: ptr(uint64(6)),
				DiskInodesUsed: ptr(uint64(7)), DiskInodesTotal: ptr(uint64(8)),
				Disks:        []mesh.DiskSpace{{Path: "/", UsedBytes: 3, TotalBytes: 4}, {Path: "/", UsedBytes: 9, TotalBytes: 9}},
				Temperatures: []mesh.Temperature{{Sensor: "nvme", Celsius: 38.5}},
				Links:        []mesh.NetworkLink{{Name: "eth0", Up: true, SpeedMbps: 1000, ReceiveErrors: 1, SendErrors: 2, ReceiveDropped: 3, SendDropped: 4}},
				GPUs:         []mesh.GPU{{Address: "0000:3b:00.0", Vendor: "amd", Device: "1002:740c", Driver: "amdgpu", MemUsedBytes: 3, MemTotalBytes: 4, BusyPercent: ptr(uint32(42))}},
			}},
			snapshot.Peer{Node: 5, Name: "five", Member: &snapshot.Member{}, RTT: 1500 * time.Microsecond, HasRTT: true, Health: mesh.HealthHealthy, Echo: snapshot.EchoAnswers, Echoes: mesh.Echoes{Sent: 20, Received: 19, Jitter: time.Millisecond}},
			snapshot.Peer{Node: 6, Health: mesh.HealthUnreachable, Echo: snapshot.EchoLost},
			snapshot.Peer{Node: 7, Name: "se\xffven"},
		),
		Daemons: snapshot.DaemonsOf(
			snapshot.Daemon{
				Daemon: mesh.DaemonRef{ID: 3, Name: "nginx"}, Lifecycle: snapshot.Running, Intent: mesh.IntentRun,
				Health: mesh.DaemonHealth{Status: mesh.DaemonDegraded}, Restarts: 2,
			},
			snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 4}, Lifecycle: snapshot.Stopped, Restart: snapshot.RestartCrashLooping, Rejected: "gone"},
		),
		Plugins: []snapshot.Plugin{{
			Name: "health-tcp", Status: snapshot.PluginReady, Calls: 11, Failures: 2, Restarts: 1, LastCall: time.Millisecond,
		}},
		Failures: []mesh.FailureRecord{
			{Seq: 3, Source: "action:17"}, {Seq: 4, Source: "action:18"}, {Seq: 5, Source: "plugin:health-tcp"},
		},
		Logs:         []mesh.LogRecord{{Seq: 8}, {Seq: 9}},
		Acknowledged: snapshot.AcknowledgedThrough{Log: 7, Failure: 9},
	}
}

// served returns the metrics of a node with this snapshot.
func served(snap *snapshot.Snapshot) *metrics.Metrics {
	m := metrics.New(metrics.Node{ID: 1, Name: "one", Cluster: "here", Version: "1.2.3", Start: time.Unix(1_700_000_000, 0)})
	m.Register(source(func() *snapshot.Snapshot { return snap }))
	return m
}

// source is what a node tells beside its snapshots.
func source(latest func() *snapshot.Snapshot) metrics.Source {
	return metrics.Source{
		Latest:      latest,
		EventQueue:  func() int { return 4 },
		ActionQueue: func() int { return 0 },
		Commands:    func() map[string]uint64 { return map[string]uint64{"accepted": 3, "replayed": 2} },
		Suppressed:  func() uint64 { return 12 },
		LostLines:   func() uint64 { return 7 },
		Names: func() metrics.NamesState {
			return metrics.NamesState{Names: map[string]int{"found": 3, "no_such_name": 1}, Lookups: map[string]uint64{"found": 9}}
		},
		Capacity: func() map[string]int { return map[string]int{"chains": 200} },
		Refused:  func(each func(source, what string, n uint64)) { each("api", "chains", 5) },
		Records: func(c mesh.RecordChain) metrics.RecordsState {
			s := metrics.RecordsState{Bytes: 10, Limit: 100, Through: 8, Lost: 3, Failures: 4}
			if c == mesh.ChainAction {
				s.Limit = 0
			}
			return s
		},
		RecordsFree: func() (uint64, bool) { return 4096, true },
		AuditFull:   func() bool { return false },
		Mesh: func() metrics.MeshState {
			return metrics.MeshState{
				Used: true, Member: true, LinkUp: true, Quorum: true, Height: 810, Highest: 812, First: 513, Begins: 600, Checkpoint: 640, BeaconAge: 3 * time.Second, BeaconKnown: true, Alarms: 1, Differing: 1,
				Orders: map[string]uint64{"accepted": 3}, Asked: map[string]uint64{"answered": 5}, Served: map[string]uint64{"refused": 1}, Asking: 2,
			}
		},
	}
}

// follow has m follow snapshots, one after the other.
func follow(m *metrics.Metrics, snaps ...*snapshot.Snapshot) {
	m.Follow(context.Background(), &story{snaps: snaps})
}

// story shows the next snapshot each time that it is asked for one, and ends with the last.
type story struct{ snaps []*snapshot.Snapshot }

func (s *story) Latest() *snapshot.Snapshot {
	latest := s.snaps[0]
	if len(s.snaps) > 1 {
		s.snaps = s.snaps[1:]
	}
	return latest
}
func (s *story) Changed() <-chan struct{} { return nil }

func (s *story) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}
