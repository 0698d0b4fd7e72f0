package scoring

import (
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// benchSnapshot has 10,000 peers, and 10,000 chains of which this node leads each tenth.
// Another salt makes it another measurement of the same mesh.
func benchSnapshot(salt int) *snapshot.Snapshot {
	const nodes, chains = 10_000, 10_000
	s := &snapshot.Snapshot{Node: 5000, Tick: uint64(salt + 1), Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive}}
	var peers []snapshot.Peer
	var list []snapshot.Replica
	for id := mesh.NodeID(1); id <= nodes; id++ {
		rtt := 20*time.Millisecond + time.Duration((int(id)+salt)%7)*100*time.Microsecond
		load, total, used := float64(id%8)+float64(salt)/100, uint64(1<<34), uint64(id)<<18+uint64(salt)<<12
		peers = append(peers, snapshot.Peer{
			Node: id, RTT: rtt, HasRTT: true, Health: mesh.HealthHealthy, Maintenance: mesh.PhaseActive,
			Inventory: &mesh.Inventory{Node: id, CPULoad1m: &load, MemUsedBytes: &used, MemTotalBytes: &total},
		})
	}
	for id := mesh.ChainID(1); id <= chains; id++ {
		r := snapshot.Replica{Chain: id, Holders: []mesh.NodeID{mesh.NodeID(id)/2 + 1, mesh.NodeID(id)/2 + 2, mesh.NodeID(id)/2 + 3}, Leader: 1}
		if id%10 == 0 {
			r.Leader = s.Node
		}
		list = append(list, r)
	}
	s.Peers, s.Replicas = snapshot.PeersOf(peers...), snapshot.ReplicasOf(list...)
	return s
}

// degradedSnapshot has each hundredth peer degraded.
func degradedSnapshot() *snapshot.Snapshot {
	s := benchSnapshot(1)
	peers := slices.Collect(s.Peers.Values())
	for i := 0; i < len(peers); i += 100 {
		peers[i].Health = mesh.HealthDegraded
	}
	s.Peers = snapshot.PeersOf(peers...)
	return s
}

// BenchmarkView measures what the driver does at every tick: it takes the view of a
// snapshot of 10k peers and 1k led chains, and computes what changed. It does so twice, there and
// back.
func BenchmarkView(b *testing.B) {
	first := benchSnapshot(0)
	for _, c := range []struct {
		name string
		s    *snapshot.Snapshot
	}{{"steady", first}, {"jitter", benchSnapshot(1)}, {"1-percent-turned", degradedSnapshot()}} {
		b.Run(c.name, func(b *testing.B) {
			t := newTracker()
			t.look(first)
			t.answered(t.full())
			b.ReportAllocs()
			for b.Loop() {
				t.look(c.s)
				t.changes(false)
				t.look(first)
				t.changes(false)
			}
		})
	}
}

// BenchmarkApply measures what is done after an answer to a change of 1 % of the nodes.
func BenchmarkApply(b *testing.B) {
	t := newTracker()
	t.look(benchSnapshot(0))
	t.answered(t.full())
	t.look(degradedSnapshot())
	req, _ := t.changes(false)
	b.ReportAllocs()
	for b.Loop() {
		t.answered(req)
	}
}
