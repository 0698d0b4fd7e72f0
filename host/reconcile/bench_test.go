package reconcile_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// size is a world of peers, chains and daemons.
type size struct{ peers, chains, daemons int }

func (s size) String() string { return fmt.Sprintf("%d-%d-%d", s.peers, s.chains, s.daemons) }

var sizes = []size{{10, 100, 10}, {100, 1_000, 100}, {1_000, 10_000, 1_000}, {10_000, 100_000, 1_000}}

// largest is measured for ticks only, since making it takes a while.
var largest = size{100_000, 1_000_000, 1_000}

// world of a benchmark: what is dirty, and whether there are scores.
type kind struct{ dirty, scores bool }

func (k kind) String() string {
	name := "steady"
	if k.dirty {
		name = "1%-dirty"
	}
	if k.scores {
		name += "-scores"
	}
	return name
}

var kinds = []kind{{}, {dirty: true}, {scores: true}, {dirty: true, scores: true}}

// fixture is the world that all benchmarks of the core share: node 1 among P
// healthy peers, chains led here with three holders each, daemons that run as they
// should. Of the dirty ones, one chain in a hundred lacks a holder; with scores as
// well, another one in a hundred is worth moving to node P+1.
func fixture(sz size, k kind) *state.State {
	s := state.New(state.Boot{At: stamp(0), Node: 1, Epoch: 1, Policy: statetest.Policy()})
	hear := func(ev mesh.Event) { s.Apply(stamp(0), mesh.Heard{Event: ev}) }
	for i := 1; i <= sz.peers; i++ {
		hear(mesh.RTTSample{Peer: mesh.NodeID(i), RTT: 20*time.Millisecond + time.Duration(i)*time.Microsecond})
		hear(mesh.HealthSample{Peer: mesh.NodeID(i), Health: mesh.HealthHealthy})
	}
	table := mesh.Scores{ViewVersion: 1}
	for c := 1; c <= sz.chains; c++ {
		id := mesh.ChainID(c)
		score := mesh.ChainScore{Chain: id, Best: &mesh.NodeScore{Node: mesh.NodeID(sz.peers + 1), Score: 0.9}}
		holders := 3
		if k.dirty && c%100 == 7 {
			holders = 2
		}
		first := c * 7919 % sz.peers
		for j := range holders {
			n := mesh.NodeID((first+j*(sz.peers/3))%sz.peers + 1)
			hear(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: id, Holder: n})
			if n == 1 {
				hear(mesh.LocalReplicaIntent{Chain: id, Intent: mesh.HoldKeep})
			}
			value := 0.8 + float32(n%8)*0.001
			if k.dirty && c%100 == 13 {
				value = 0.2
			}
			score.Holders = append(score.Holders, mesh.NodeScore{Node: n, Score: value})
		}
		hear(mesh.ReplicaLeader{Chain: id, Leader: 1})
		hear(mesh.PlacementIntent{Chain: id, Desired: 3})
		table.Chains = append(table.Chains, score)
	}
	for d := 1; d <= sz.daemons; d++ {
		ref := mesh.DaemonRef{ID: mesh.DaemonID(d), Name: fmt.Sprintf("daemon-%05d", d)}
		hear(mesh.DaemonIntent{Daemon: ref, Intent: mesh.IntentRun})
		hear(mesh.DaemonStarted{Daemon: ref})
		hear(mesh.DaemonHealthChanged{Daemon: ref, Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}})
	}
	if k.scores {
		s.Tick(stamp(0))
		s.Apply(stamp(0), table)
	}
	return s
}

// cpu reports the processor time of an operation, which tells more than the time by the clock
// on a machine that others use too.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var of syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &of); err != nil {
			b.Fatal(err)
		}
		return time.Duration(of.Utime.Nano() + of.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// each runs a benchmark on every world.
func each(b *testing.B, run func(*state.State)) {
	for _, sz := range sizes {
		for _, k := range kinds {
			b.Run(sz.String()+"/"+k.String(), func(b *testing.B) {
				s := fixture(sz, k)
				defer cpu(b)()
				for b.Loop() {
					run(s)
				}
			})
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for _, ids := range []int{10_000, 100_000} {
		s := fixture(size{peers: ids / 10, chains: ids, daemons: 1_000}, kind{})
		reconcile.New(s).Pass(stamp(0), 1024) // as of a node that runs: the decisions and the snapshot follow
		s.Taken(marks.Snapshot)
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
				defer cpu(b)()
				for i := 0; b.Loop(); i++ {
					s.Apply(stamp(0), mesh.Heard{Event: events[kind](i)})
				}
			})
		}
		// A complete answer about three of all peers.
		answer := mesh.Samples{Probe: "few", HealthComplete: true}
		for id := range mesh.NodeID(3) {
			answer.Health = append(answer.Health, mesh.HealthSample{Peer: id + 2, Health: mesh.HealthHealthy})
		}
		b.Run(fmt.Sprintf("complete-answer/%d", ids), func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				s.Apply(stamp(0), answer)
			}
		})
	}
}

func BenchmarkReconcile(b *testing.B) {
	each(b, func(s *state.State) { reconcile.Diff(s) })
}

// BenchmarkSnapshot measures a snapshot that is made anew, and ones that are made from the
// one before after nothing, one chain, or 1 % of peers and chains changed.
func BenchmarkSnapshot(b *testing.B) {
	for _, sz := range append(slices.Clone(sizes), largest) {
		b.Run(sz.String()+"/anew", func(b *testing.B) {
			s := fixture(sz, kind{})
			b.ReportAllocs()
			for b.Loop() {
				snapshot.Build(s, stamp(0))
			}
		})
		for _, c := range []struct {
			name          string
			peers, chains int
		}{{"steady", 0, 0}, {"one", 0, 1}, {"1%", sz.peers / 100, sz.chains / 100}} {
			b.Run(sz.String()+"/"+c.name, func(b *testing.B) {
				s, views := fixture(sz, kind{}), snapshot.NewBuilder()
				views.Build(s, stamp(0))
				rtt := time.Millisecond
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					rtt++
					for i := range c.peers {
						s.Apply(stamp(0), mesh.Heard{Event: mesh.RTTSample{Peer: mesh.NodeID(i*100 + 2), RTT: rtt}})
					}
					for i := range c.chains {
						s.Apply(stamp(0), mesh.Heard{Event: mesh.PlacementIntent{Chain: mesh.ChainID(i*100 + 1), Desired: uint32(rtt%2 + 3)}})
					}
					b.StartTimer()
					views.Build(s, stamp(0))
				}
			})
		}
	}
}

// BenchmarkTick is a tick of a node on which nothing changed since the tick before, or one
// chain in a hundred got a holder or lost it, or nothing was marked: a full pass.
func BenchmarkTick(b *testing.B) {
	for _, sz := range append(slices.Clone(sizes), largest) {
		for _, k := range kinds {
			if sz == largest && k.dirty {
				continue
			}
			s := fixture(sz, k)
			passes, views := reconcile.New(s), snapshot.NewBuilder()
			for range 3 {
				passes.Pass(stamp(0), 1024)
				views.Build(s, stamp(0))
			}
			for _, m := range moves {
				b.Run(sz.String()+"/"+k.String()+m.name, func(b *testing.B) {
					defer cpu(b)()
					for i := 0; b.Loop(); i++ {
						if m.before == nil {
							passes = reconcile.New(s)
						} else {
							m.before(s, sz, i)
						}
						passes.Pass(stamp(0), 1024)
						if !m.passOnly {
							views.Build(s, stamp(0))
						}
					}
				})
			}
		}
	}
}

// moves are what happens before a tick that is measured.
var moves = []struct {
	name     string
	passOnly bool
	before   func(s *state.State, sz size, i int)
}{
	{"", false, func(*state.State, size, int) {}},
	{"/pass", true, func(*state.State, size, int) {}},
	{"/pass-1%-changed", true, changed},
	{"/pass-all", true, nil}, // as after a freeze
}

// changed has one chain in a hundred gain a holder, and lose it the next time.
func changed(s *state.State, sz size, i int) {
	change := mesh.ReplicaAdded
	if i%2 == 1 {
		change = mesh.ReplicaRemoved
	}
	for c := 50; c <= sz.chains; c += 100 {
		s.Apply(stamp(0), mesh.Heard{Event: mesh.ReplicaUpdate{Change: change, Chain: mesh.ChainID(c), Holder: mesh.NodeID(sz.peers + 2)}})
	}
}

func BenchmarkExplain(b *testing.B) {
	each(b, func(s *state.State) { reconcile.ExplainChain(s, 7) })
}

// BenchmarkAnnounced is what so many members of a mesh cost a tick: one in which none of them says
// anything, and one in which one of them, or each, says how it is.
func BenchmarkAnnounced(b *testing.B) {
	for _, members := range []int{0, 1, 100, 1_000} {
		for _, saying := range slices.Compact([]int{0, min(1, members), members}) {
			b.Run(fmt.Sprintf("%d/%d-say", members, saying), func(b *testing.B) {
				s := fixture(size{peers: 10, chains: 100, daemons: 10}, kind{})
				passes, views := reconcile.New(s), snapshot.NewBuilder()
				tick := func(held uint32, n int) {
					if n > 0 {
						s.Apply(stamp(0), announced(n, held))
					}
					passes.Pass(stamp(0), 1024)
					views.Build(s, stamp(0))
				}
				tick(0, members)
				for range 3 {
					tick(0, 0)
				}
				b.ReportAllocs()
				defer cpu(b)()
				for i := 0; b.Loop(); i++ {
					tick(uint32(i), saying)
				}
			})
		}
	}
}

// announced is what the mesh says of the first members.
func announced(members int, held uint32) mesh.PeersAnnounced {
	var out mesh.PeersAnnounced
	heard := time.Second
	for id := range mesh.NodeID(members) {
		load, used, total := 0.5, uint64(1<<30), uint64(4<<30)
		out.Peers = append(out.Peers, mesh.Announced{
			ID: 1000 + id, Name: fmt.Sprint("member-", id), Address: "10.0.0.1", Heard: &heard,
			Summary: &mesh.Summary{
				Phase: mesh.PhaseActive, ChainsHeld: held, Labels: []mesh.Label{{Key: "rack", Value: "r1"}},
				Inventory: &mesh.Inventory{CPULoad1m: &load, MemUsedBytes: &used, MemTotalBytes: &total},
			},
		})
	}
	return out
}
