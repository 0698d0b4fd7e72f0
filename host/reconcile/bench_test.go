package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// size is a world of peers, chains and daemons.
type size struct{ peers, chains, daemons int }

func (s size) String() string { return fmt.Sprintf("%d-%d-%d", s.peers, s.chains, s.daemons) }

var sizes = []size{{10, 100, 10}, {100, 1_000, 100}, {1_000, 10_000, 1_000}, {10_000, 100_000, 1_000}}

// fixture is the world that all benchmarks of the core share: node 1 among P
// healthy peers, chains with three holders each, daemons that run as they should.
func fixture(sz size) *state.State {
	s := state.New(state.Boot{At: stamp(0), Node: 1, Epoch: 1, Policy: state.DefaultPolicy()})
	hear := func(ev mesh.Event) { s.Apply(stamp(0), mesh.Heard{Event: ev}) }
	for i := 1; i <= sz.peers; i++ {
		hear(mesh.RTTSample{Peer: mesh.NodeID(i), RTT: 20*time.Millisecond + time.Duration(i)*time.Microsecond})
		hear(mesh.HealthSample{Peer: mesh.NodeID(i), Health: mesh.HealthHealthy})
	}
	for c := 1; c <= sz.chains; c++ {
		first := c * 7919 % sz.peers
		for k := range 3 {
			holder := mesh.NodeID((first+k*(sz.peers/3))%sz.peers + 1)
			hear(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: mesh.ChainID(c), Holder: holder})
			if holder == 1 {
				hear(mesh.LocalReplicaIntent{Chain: mesh.ChainID(c), Intent: mesh.HoldKeep})
			}
		}
		hear(mesh.ReplicaLeader{Chain: mesh.ChainID(c), Leader: 1})
		hear(mesh.PlacementIntent{Chain: mesh.ChainID(c), Desired: 3})
	}
	for d := 1; d <= sz.daemons; d++ {
		ref := mesh.DaemonRef{ID: mesh.DaemonID(d), Name: fmt.Sprintf("daemon-%05d", d)}
		hear(mesh.DaemonIntent{Daemon: ref, Intent: mesh.IntentRun})
		hear(mesh.DaemonStarted{Daemon: ref})
		hear(mesh.DaemonHealthChanged{Daemon: ref, Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}})
	}
	return s
}

func BenchmarkFold(b *testing.B) {
	for _, ids := range []int{10_000, 100_000} {
		s := fixture(size{peers: ids / 10, chains: ids, daemons: 1_000})
		events := map[string]func(i int) mesh.Event{
			"replica": func(i int) mesh.Event {
				return mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: mesh.ChainID(i%ids + 1), Holder: 1}
			},
			"rtt": func(i int) mesh.Event {
				return mesh.RTTSample{Peer: mesh.NodeID(i%(ids/10) + 2), RTT: time.Millisecond}
			},
			"daemon": func(i int) mesh.Event {
				return mesh.DaemonHealthChanged{Daemon: mesh.DaemonRef{ID: mesh.DaemonID(i%1_000 + 1)}}
			},
		}
		for _, kind := range []string{"replica", "rtt", "daemon"} {
			b.Run(fmt.Sprintf("%s/%d", kind, ids), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					s.Apply(stamp(0), mesh.Heard{Event: events[kind](i)})
				}
			})
		}
	}
}

func BenchmarkReconcile(b *testing.B) {
	for _, sz := range sizes {
		s := fixture(sz)
		b.Run(sz.String(), func(b *testing.B) {
			for b.Loop() {
				reconcile.Diff(s)
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, sz := range sizes {
		s := fixture(sz)
		b.Run(sz.String(), func(b *testing.B) {
			for b.Loop() {
				snapshot.Build(s, stamp(0))
			}
		})
	}
}

func BenchmarkTick(b *testing.B) {
	for _, sz := range sizes {
		s := fixture(sz)
		b.Run(sz.String(), func(b *testing.B) {
			for b.Loop() {
				reconcile.Pass(s, stamp(0), 1024)
				snapshot.Build(s, stamp(0))
			}
		})
	}
}
