package plugins

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	"github.com/meshos/meshos/internal/testkit"
)

// BenchmarkScores measures the shipped scorer as a process, with the driver that asks it,
// on a mesh of 10,000 nodes: until the first table of all led chains is there, after the
// holders of one chain changed, and after 1 % of the nodes degraded.
// The host's numbers are those of this process.
func BenchmarkScores(b *testing.B) {
	for _, chains := range []int{60_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("%dk", chains/1000), func(b *testing.B) {
			m := newScored(b, chains)
			m.measure(b, "all", func(s *snapshot.Snapshot) { s.Plugins = []snapshot.Plugin{{Name: "scorer-default", Restarts: s.Tick}} })
			m.measure(b, "one chain", func(s *snapshot.Snapshot) {
				s.Replicas = snapshottest.Changed(s.Replicas, mesh.ChainID(chains/2), func(r *snapshot.Replica) {
					r.Holders = []mesh.NodeID{1, 9, mesh.NodeID(10 + s.Tick%1000)}
				})
			})
			m.measure(b, "1 percent of nodes", func(s *snapshot.Snapshot) {
				peers := slices.Collect(s.Peers.Values())
				for i := 0; i < len(peers); i += 100 {
					peers[i].Health = mesh.HealthHealthy + mesh.NodeHealth(s.Tick%2)
				}
				s.Peers = snapshot.PeersOf(peers...)
			})
			runtime.GC()
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			b.Logf("%d chains: host heap %d MB, peak %s; plugin peak %s", chains, mem.HeapAlloc>>20, peak("self"), peak(m.pid))
		})
	}
}

// scored is a scorer's process, its driver, and who reads the tables.
type scored struct {
	*snapshottest.Source
	pid    string
	tables chan mesh.Scores
}

func newScored(b *testing.B, chains int) *scored {
	b.Helper()
	plugins := scorerCatalog(b, 0)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = plugins.Run(ctx, nil) })
	testkit.Until(b, "the scorer is ready", func() bool { return plugins.Views()[0].Status == snapshot.PluginReady })
	m := &scored{Source: snapshottest.New(manyChains(chains)), pid: strconv.Itoa(plugins.Views()[0].PID), tables: make(chan mesh.Scores, 1)}
	driver := scoring.New(scoring.Options{
		Reader: m, Feed: m, Scorer: func() scoring.Scorer { return scorer{plugins.Scorer()} }, Log: slog.New(slog.DiscardHandler),
		DecisionInterval: 10 * time.Millisecond, TickInterval: time.Millisecond, Timeout: 5 * time.Minute,
	})
	all.Go(func() { driver.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		all.Wait()
	})
	return m
}

// Scores and Report implement scoring.Feed.
func (m *scored) Scores(_ context.Context, table mesh.Scores) error {
	m.tables <- table
	return nil
}

func (m *scored) Report(_ context.Context, r mesh.FailureReport) error { panic(r.Reason) }

// show publishes the next snapshot.
func (m *scored) show(change func(*snapshot.Snapshot)) {
	s := *m.Latest()
	s.Tick++
	s.Regular++
	change(&s)
	m.Show(&s)
}

// measure measures from a change to the table that follows it.
func (m *scored) measure(b *testing.B, what string, change func(*snapshot.Snapshot)) {
	b.Run(what, func(b *testing.B) {
		b.ReportAllocs()
		host, plugin, rows := cpu(), cpuOf(m.pid), 0
		for b.Loop() {
			time.Sleep(20 * time.Millisecond) // a decision interval has to lie between two calls
			m.show(change)
			rows = len((<-m.tables).Chains)
		}
		b.ReportMetric(float64((cpu()-host).Microseconds())/1000/float64(b.N), "host-CPU-ms/op")
		b.ReportMetric(float64((cpuOf(m.pid)-plugin).Microseconds())/1000/float64(b.N), "plugin-CPU-ms/op")
		b.ReportMetric(float64(rows), "rows")
	})
}

// manyChains is a mesh of 10,000 nodes in which node 1 leads that many chains, each held by
// three nodes.
func manyChains(chains int) *snapshot.Snapshot {
	const peers = 10_000
	s := &snapshot.Snapshot{Node: 1, Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive}}
	var nodes []snapshot.Peer
	var led []snapshot.Replica
	for id := mesh.NodeID(2); id <= peers; id++ {
		rtt := time.Duration(id%100) * time.Millisecond
		load, total, used := float64(id%8), uint64(1<<34), uint64(id)<<20
		nodes = append(nodes, snapshot.Peer{
			Node: id, RTT: rtt, HasRTT: true, Health: mesh.HealthHealthy, Maintenance: mesh.PhaseActive,
			Inventory: &mesh.Inventory{Node: id, CPULoad1m: &load, MemUsedBytes: &used, MemTotalBytes: &total},
		})
	}
	for id := 1; id <= chains; id++ {
		at := mesh.NodeID(2 + id%(peers-2))
		led = append(led, snapshot.Replica{Chain: mesh.ChainID(id), Holders: []mesh.NodeID{1, at, at + 1}, Leader: 1})
	}
	s.Peers, s.Replicas = snapshot.PeersOf(nodes...), snapshot.ReplicasOf(led...)
	return s
}

// cpu returns the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf returns that of another process, in steps of 10 ms.
func cpuOf(pid string) time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		panic(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peak returns how much memory a process has taken at most.
func peak(pid string) string {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Join(strings.Fields(line), " ")
}
