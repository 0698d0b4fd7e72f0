package reconcile_test

import (
	"cmp"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
)

// moment is one stamped input; a nil input is a tick.
type moment struct {
	at   mesh.Time
	in   mesh.Input
	room int
}

func history(t *rapid.T) []moment {
	id := func(name string) uint64 { return rapid.Uint64Range(1, 6).Draw(t, name) }
	daemon := func() mesh.DaemonRef { return mesh.DaemonRef{ID: mesh.DaemonID(id("daemon"))} }
	node := func() mesh.NodeID {
		return mesh.NodeID(rapid.SampledFrom([]uint64{1, 2, 3, uint64(this)}).Draw(t, "node"))
	}
	chain := func() mesh.ChainID { return mesh.ChainID(id("chain")) }
	span := func() time.Duration { return time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "span")) }
	heard := func(ev mesh.Event) mesh.Input { return mesh.Heard{Event: ev} }
	admin := func(ev mesh.AdminEvent) mesh.Input { return heard(mesh.AdminReceived{Event: ev}) }
	kinds := []func() mesh.Input{
		func() mesh.Input { return nil },
		func() mesh.Input { return nil },
		func() mesh.Input {
			return heard(mesh.ReplicaUpdate{Change: mesh.ReplicaChange(rapid.IntRange(1, 4).Draw(t, "change")), Chain: chain(), Holder: node()})
		},
		func() mesh.Input { return heard(mesh.ReplicaLeader{Chain: chain(), Leader: node()}) },
		func() mesh.Input {
			return heard(mesh.PlacementIntent{Chain: chain(), Desired: uint32(rapid.IntRange(0, 3).Draw(t, "desired"))})
		},
		func() mesh.Input { return heard(mesh.DaemonStarted{Daemon: daemon()}) },
		func() mesh.Input { return heard(mesh.DaemonExited{Daemon: daemon()}) },
		func() mesh.Input { return heard(mesh.DaemonCrashed{Daemon: daemon()}) },
		func() mesh.Input {
			return heard(mesh.DaemonIntent{Daemon: daemon(), Intent: mesh.RunIntent(rapid.IntRange(1, 2).Draw(t, "intent")), Node: mesh.NodeID(rapid.SampledFrom([]uint64{0, 1, uint64(this)}).Draw(t, "pin"))})
		},
		func() mesh.Input {
			return heard(mesh.RTTSample{Peer: node(), RTT: time.Duration(rapid.IntRange(1, 500).Draw(t, "rtt")) * time.Millisecond})
		},
		func() mesh.Input {
			return mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: node(), RTT: time.Second}}, Health: []mesh.HealthSample{{Peer: node(), Health: mesh.HealthUnreachable}}}
		},
		func() mesh.Input {
			return mesh.Samples{Probe: "i", Inventory: []mesh.Inventory{{Node: node(), Capabilities: []string{"x"}}}}
		},
		func() mesh.Input {
			return mesh.Outcome{ID: mesh.ActionID(rapid.IntRange(1, 30).Draw(t, "id")), OK: rapid.Bool().Draw(t, "ok"), Final: rapid.Bool().Draw(t, "final")}
		},
		func() mesh.Input { return admin(mesh.EnterMaintenance{Node: node()}) },
		func() mesh.Input { return admin(mesh.ExitMaintenance{Node: node()}) },
		func() mesh.Input { return admin(mesh.Drain{Node: node(), DrainFor: span()}) },
		func() mesh.Input { return admin(mesh.Uncordon{Node: node()}) },
		func() mesh.Input { return admin(mesh.FreezeCluster{TTL: span()}) },
		func() mesh.Input { return admin(mesh.ThawCluster{}) },
		func() mesh.Input { return admin(mesh.ForceEvictReplica{Chain: chain(), Victim: node()}) },
		func() mesh.Input { return admin(mesh.RestartAllDaemons{Node: node()}) },
		func() mesh.Input { return admin(mesh.FlushAvoidLists{Global: true}) },
	}
	now := sec(0)
	var out []moment
	for range rapid.IntRange(1, 120).Draw(t, "length") {
		now = now.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "gap")))
		in := rapid.SampledFrom(kinds).Draw(t, "kind")()
		out = append(out, moment{at: now, in: in, room: rapid.IntRange(0, 4).Draw(t, "room")})
	}
	return out
}

type trace struct {
	passes []reconcile.Result
	snaps  []*snapshot.Snapshot
}

func play(ms []moment, each func(*state.State, moment, reconcile.Result)) trace {
	s := state.New(state.Boot{At: stamp(sec(0)), Node: this, Epoch: 1, Policy: statetest.Policy()})
	var tr trace
	for _, m := range ms {
		if m.in != nil {
			s.Apply(stamp(m.at), m.in)
			continue
		}
		res := reconcile.Pass(s, stamp(m.at), m.room)
		if each != nil {
			each(s, m, res)
		}
		tr.passes = append(tr.passes, res)
		tr.snaps = append(tr.snaps, snapshot.Build(s, stamp(m.at)))
	}
	return tr
}

func TestP3_TheSameInputsGiveTheSameDecisionsAndSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := history(t)
		one, two := play(ms, nil), play(ms, nil)
		if !reflect.DeepEqual(one, two) {
			t.Fatal("two runs over the same inputs differ")
		}
	})
}

func TestNoKeyIsHandedOutWhileItIsOutstandingAndAFreezeMeansNoAction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := history(t)
		ended := map[mesh.ActionID]bool{}
		byKey := map[mesh.ActionKey]mesh.Emitted{}
		i := 0
		note := func(upTo int) {
			for ; i < upTo; i++ {
				if o, ok := ms[i].in.(mesh.Outcome); ok && o.Final {
					ended[o.ID] = true
				}
			}
		}
		pass := 0
		var ticks []int
		for j, m := range ms {
			if m.in == nil {
				ticks = append(ticks, j)
			}
		}
		play(ms, func(s *state.State, m moment, res reconcile.Result) {
			note(ticks[pass])
			pass++
			if _, frozen := s.Frozen(); frozen && len(res.Actions) > 0 {
				t.Fatalf("frozen, and handed out %s", show(res.Actions))
			}
			if len(res.Actions) > m.room {
				t.Fatalf("room for %d, handed out %d", m.room, len(res.Actions))
			}
			for _, e := range res.Actions {
				key := e.Action.Key()
				before, asked := byKey[key]
				if asked && !ended[before.ID] && m.at.Sub(before.At) < s.Policy().ActionTimeout {
					t.Fatalf("%v handed out again %s after the first, which has not ended", key, m.at.Sub(before.At))
				}
				byKey[key] = e
			}
		})
	})
}

func ascending[K cmp.Ordered, V any](t *rapid.T, list shared.Table[K, V]) {
	var last K
	for k := range list.All() {
		if k <= last {
			t.Fatalf("%v comes after %v", k, last)
		}
		last = k
	}
}

func TestSnapshotsAreSortedAndMakeSense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, snap := range play(history(t), nil).snaps {
			ascending(t, snap.Peers)
			ascending(t, snap.Daemons)
			ascending(t, snap.Replicas)
			for r := range snap.Replicas.Values() {
				for i := 1; i < len(r.Holders); i++ {
					if r.Holders[i-1] >= r.Holders[i] {
						t.Fatal("holders are not sorted")
					}
				}
			}
			for p := range snap.Peers.Values() {
				if p.Node == this && (p.HasRTT || p.Health != mesh.HealthUnknown) {
					t.Fatal("B19: this node is among its own peers")
				}
			}
			if left := snap.Frozen.Until(snap.Now); left != nil && *left <= 0 {
				t.Fatal("a freeze that is over is shown")
			}
		}
	})
}

// Rule B6: only a forced eviction takes a chain below the required number of live holders,
// and nothing takes the last one. Rule B9: one placement or eviction in a pass.
func TestB6_B9_NothingIsTakenThatIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := history(t)
		forced := map[[2]uint64]bool{}
		for _, m := range ms {
			if h, ok := m.in.(mesh.Heard); ok {
				if a, ok := h.Event.(mesh.AdminReceived); ok {
					if f, ok := a.Event.(mesh.ForceEvictReplica); ok {
						forced[[2]uint64{uint64(f.Chain), uint64(f.Victim)}] = true
					}
				}
			}
		}
		play(ms, func(s *state.State, _ moment, res reconcile.Result) {
			moves := map[mesh.ChainID]int{}
			for _, e := range res.Actions {
				least, id, victim := 0, mesh.ChainID(0), mesh.NodeID(0)
				switch a := e.Action.(type) {
				case mesh.RequestPlacement:
					moves[a.Chain]++
					continue
				case mesh.RequestEviction:
					moves[a.Chain]++
					id, victim, least = a.Chain, a.Victim, 1
				case mesh.DropReplica:
					id, victim = a.Chain, this
				default:
					continue
				}
				c, _ := s.Chain(id)
				if !forced[[2]uint64{uint64(id), uint64(victim)}] {
					least = c.Required()
				}
				// What was handed out counts as done already.
				if c.HeldBy(victim) && s.Live(victim) && len(s.LiveHolders(c)) < least {
					t.Fatalf("%s leaves chain %d with %v of %v live, wanted %d", show(res.Actions), id, s.LiveHolders(c), c.Holders, c.Required())
				}
			}
			for id, n := range moves {
				if n > 1 {
					t.Fatalf("%d placements and evictions of chain %d in one pass: %s", n, id, show(res.Actions))
				}
			}
		})
	})
}

// Nothing grows with the length of the input: a world that all chains, daemons and peers
// have left is as small as at the beginning.
func TestB17_WhatIsGoneLeavesNothingBehind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := state.New(state.Boot{At: stamp(sec(0)), Node: this, Epoch: 1, Policy: statetest.Policy()})
		hear := func(n int, ev mesh.Event) { s.Apply(stamp(sec(float64(n))), mesh.Heard{Event: ev}) }
		count := rapid.IntRange(1, 300).Draw(t, "count")
		for i := 1; i <= count; i++ {
			c, n := mesh.ChainID(i), mesh.NodeID(i+1000)
			hear(i, mesh.ReplicaTransition{Kind: mesh.BecameHolderAndLeader, Chain: c, Holder: n})
			hear(i, mesh.ReplicaTransition{Kind: mesh.LeaderLostAndRemoved, Chain: c, Holder: n})
			hear(i, mesh.BlobAnnouncement{Blob: mesh.BlobID(i), Holder: n, Added: true})
			hear(i, mesh.BlobAnnouncement{Blob: mesh.BlobID(i), Holder: n})
			hear(i, mesh.DaemonStarted{Daemon: ref(mesh.DaemonID(i))})
			hear(i, mesh.DaemonExited{Daemon: ref(mesh.DaemonID(i))})
			hear(i, mesh.AdminReceived{Event: mesh.Cordon{Node: n}})
			hear(i, mesh.AdminReceived{Event: mesh.Uncordon{Node: n}})
			s.Apply(stamp(sec(float64(i))), mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: n, RTT: time.Second}}})
			reconcile.Pass(s, stamp(sec(float64(i))), 1)
		}
		end := sec(float64(count) + 3600)
		for range 3 {
			reconcile.Pass(s, stamp(end), 0)
			end = end.Add(time.Hour)
		}
		snap := snapshot.Build(s, stamp(end))
		if n := snap.Replicas.Len() + snap.Daemons.Len() + snap.Peers.Len() + snap.AvoidList.Len(); n > 0 {
			t.Fatalf("%d things are left: %+v %+v %+v", n, snap.Replicas, snap.Daemons, snap.Peers)
		}
	})
}
