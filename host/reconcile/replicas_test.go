package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func added(c mesh.ChainID, ns ...mesh.NodeID) (out []mesh.Event) {
	for _, n := range ns {
		out = append(out, mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: c, Holder: n})
	}
	return out
}

func gone(c mesh.ChainID, n mesh.NodeID) mesh.Event {
	return mesh.ReplicaUpdate{Change: mesh.ReplicaRemoved, Chain: c, Holder: n}
}

func leader(c mesh.ChainID, n mesh.NodeID) mesh.Event { return mesh.ReplicaLeader{Chain: c, Leader: n} }

func desired(c mesh.ChainID, n uint32) mesh.Event { return mesh.PlacementIntent{Chain: c, Desired: n} }

func hold(c mesh.ChainID, i mesh.HoldIntent) mesh.Event {
	return mesh.LocalReplicaIntent{Chain: c, Intent: i}
}

func health(n mesh.NodeID, h mesh.NodeHealth) mesh.Event {
	return mesh.HealthSample{Peer: n, Health: h}
}

const unreachable = mesh.HealthUnreachable

// chain returns the events of a chain led here, with its holders and desired number.
func (w *world) chain(c mesh.ChainID, want uint32, holders ...mesh.NodeID) *world {
	return w.hear(added(c, holders...)...).hear(leader(c, this), desired(c, want))
}

// lost makes nodes unreachable for longer than the grace.
func (w *world) lost(at float64, ns ...mesh.NodeID) *world {
	for _, n := range ns {
		w.to(at - 31).hear(health(n, unreachable))
	}
	return w.to(at)
}

func (w *world) fail(es ...mesh.Emitted) *world {
	for _, e := range es {
		w.s.Apply(stamp(w.at), mesh.Outcome{ID: e.ID, Reason: "no", Final: true})
	}
	return w
}

func (w *world) lastFailure() string {
	f := w.s.Failures()
	if len(f) == 0 {
		return ""
	}
	return f[len(f)-1].Source + ": " + f[len(f)-1].Reason
}

func TestLocalReplicaArm(t *testing.T) {
	keep, drop := mesh.HoldKeep, mesh.HoldDrop
	cases := []struct {
		name string
		evs  []mesh.Event
		want []string
	}{
		{"Core154 B8 wanted, held by others: pull from the lowest id", append(added(7, 1, 2, 3), hold(7, keep)), []string{"pull 7 from 1"}},
		{"Core155 wanted and held", append(added(7, this, 2), hold(7, keep)), nil},
		{"wanted and held by nobody", []mesh.Event{hold(7, keep)}, nil},
		{"B6 Core157 unwanted, but nobody else holds it", append(added(7, this), hold(7, drop)), nil},
		{"B6 Core157 unwanted, and one other holds it", append(added(7, this, 2), hold(7, drop)), []string{"drop 7"}},
		{"B6 unwanted, but others hold fewer than desired", append(added(7, this, 2), hold(7, drop), desired(7, 2)), nil},
		{"B6 unwanted, and others hold as many as desired", append(added(7, this, 2, 3), hold(7, drop), desired(7, 2)), []string{"drop 7"}},
		{"Core158 unwanted and not held", append(added(7, 2, 3), hold(7, drop)), nil},
		{"B8 pull: known RTT before unknown", append(added(7, 1, 2, 3), hold(7, keep), rtt(3, 30)), []string{"pull 7 from 3"}},
		{"B8 pull: the lowest RTT", append(added(7, 1, 2, 3), hold(7, keep), rtt(1, 40), rtt(2, 20), rtt(3, 30)), []string{"pull 7 from 2"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { newWorld(t).hear(c.evs...).expect(0, c.want...) })
	}
}

func TestB8_PullPrefersNotAvoidedAndOnlyFromLiveHolders(t *testing.T) {
	w := newWorld(t).hear(rtt(1, 300))
	w.succeed(w.pass(0)...) // 1 is avoided now
	w.hear(added(7, 1, 2)...).hear(hold(7, mesh.HoldKeep))
	w.expect(1, "pull 7 from 2")

	w = newWorld(t).hear(added(7, 1, 2)...).lost(40, 1).hear(hold(7, mesh.HoldKeep))
	w.expect(40, "pull 7 from 2")

	w = newWorld(t).hear(added(7, 1)...).lost(40, 1).hear(hold(7, mesh.HoldKeep))
	w.expect(40)
}

func TestReplicaCountArm(t *testing.T) {
	cases := []struct {
		name string
		make func(*world) // leaves the clock where the pass is to be
		want []string
	}{
		{"Core160 B8 one too many: the highest id goes", func(w *world) { w.chain(7, 2, 5, 2, 9) }, []string{"evict 7 from 9"}},
		{"Core161 led elsewhere", func(w *world) { w.chain(7, 3, 5).hear(leader(7, 5)) }, nil},
		{"nobody leads", func(w *world) { w.hear(added(7, 5)...).hear(desired(7, 3)) }, nil},
		{"Core163 as many as desired", func(w *world) { w.chain(7, 2, 5, 6) }, nil},
		{"Core164 B9 in the order of chains, this node and holders excluded", func(w *world) { w.chain(9, 2, 5).chain(7, 3, 6) }, []string{"place 7 not on 6,100", "place 9 not on 5,100"}},
		{"Core165 B9 many missing are one placement", func(w *world) { w.chain(7, 9, 5) }, []string{"place 7 not on 5,100"}},
		{"Core167 B9 held by nobody", func(w *world) { w.chain(7, 1) }, []string{"place 7 not on 100"}},
		{"B8 the leader stays while another is left", func(w *world) { w.chain(7, 1, 5, this) }, []string{"evict 7 from 5"}},
		{"B6 a desired number of 0 still keeps one", func(w *world) { w.chain(7, 0, 5) }, nil},
		{"B6 down to one for a desired number of 0", func(w *world) { w.chain(7, 0, 5, 6) }, []string{"evict 7 from 6"}},
		{"B7 a lost holder does not count", func(w *world) { w.chain(7, 2, 5, 6).lost(40, 6) }, []string{"place 7 not on 5,6,100"}},
		{"B7 one unreachable for a moment still counts", func(w *world) { w.chain(7, 2, 5, 6).hear(health(6, unreachable)) }, nil},
		{"B7 one that is leaving does not count for the leader", func(w *world) { w.chain(7, 2, 5, 6).admin(mesh.EnterMaintenance{Node: 6}) }, []string{"place 7 not on 5,6,100"}},
		{"B7 nor one that is drained", func(w *world) { w.chain(7, 2, 5, 6).admin(mesh.Drain{Node: 6}) }, []string{"place 7 not on 5,6,100"}},
		{"B7 a cordoned one does", func(w *world) { w.chain(7, 2, 5, 6).admin(mesh.Cordon{Node: 6}) }, nil},
		{"B8 what is not live goes first", func(w *world) { w.chain(7, 2, 5, 6, 9).chain(7, 2, 4).lost(40, 4) }, []string{"evict 7 from 4"}},
		{"B8 then what is in maintenance", func(w *world) { w.chain(7, 2, 5, 6, 9).admin(mesh.EnterMaintenance{Node: 5}) }, []string{"evict 7 from 5"}},
		{"B8 or cordoned", func(w *world) { w.chain(7, 2, 5, 6, 9).admin(mesh.Cordon{Node: 6}) }, []string{"evict 7 from 6"}},
		{"B9 cordoned, unreachable and inactive nodes are excluded", func(w *world) {
			w.chain(7, 2, 5).admin(mesh.Cordon{Node: 11}, mesh.EnterMaintenance{Node: 12}).hear(health(13, unreachable), health(14, mesh.HealthDegraded))
		}, []string{"place 7 not on 5,11,12,13,100"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.make(w)
			w.expect(time.Duration(w.at-sec(0)).Seconds(), c.want...)
		})
	}
}

func TestB8_AvoidedHoldersGoBeforeOthersAndAvoidedNodesHostNothing(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 300))
	w.succeed(w.pass(0)...)
	w.chain(7, 2, 5, 6, 9)
	w.expect(1, "evict 7 from 5")
	w.chain(8, 2, 6)
	w.expect(2, "place 8 not on 5,6,100")
}

func TestB7_ALostHolderThatComesBackGoesFirst(t *testing.T) {
	w := newWorld(t).chain(7, 3, 1, 2, 3).lost(40, 1)
	w.succeed(w.expect(40, "place 7 not on 1,2,3,100")...)
	w.to(41).hear(added(7, 9)...)
	w.expect(41)
	w.to(50).hear(health(1, mesh.HealthHealthy))
	w.expect(50, "evict 7 from 1")

	w = newWorld(t).chain(7, 3, 1, 2, 3).lost(40, 1)
	w.pass(40)
	w.to(41).hear(health(1, mesh.HealthHealthy)) // back before it was replaced
	w.expect(41)
	w.to(60).hear(added(7, 9)...)
	w.expect(120, "evict 7 from 9") // the surplus came later and is not its fault

	w = newWorld(t).chain(7, 3, 1, 2, 3)
	w.s.Apply(stamp(w.at), mesh.Samples{Probe: "p", Health: []mesh.HealthSample{{Peer: 1, Health: unreachable}}})
	w.succeed(w.expect(31, "place 7 not on 1,2,3,100")...)
	w.to(32).hear(added(7, 9)...)
	w.expect(60, "evict 7 from 1") // its health was not renewed, so it counts as live again
}

func TestB9_OnePlacementOrEvictionForAChainAndPass(t *testing.T) {
	w := newWorld(t).chain(7, 3, 1, 2).admin(mesh.ForceEvictReplica{Chain: 7, Victim: 1})
	w.expect(0, "evict 7 from 1")
	w.expect(1, "place 7 not on 1,2,100")
}

func TestForcedEvictions(t *testing.T) {
	evict := func(c mesh.ChainID, n mesh.NodeID) mesh.AdminEvent {
		return mesh.ForceEvictReplica{Chain: c, Victim: n}
	}
	t.Run("Core172 led elsewhere", func(t *testing.T) {
		newWorld(t).chain(7, 3, 1, 2, 3).hear(leader(7, 5)).admin(evict(7, 1)).expect(0)
	})
	t.Run("B6 down to one live holder, below the desired number", func(t *testing.T) {
		newWorld(t).chain(7, 2, 1, 2).admin(evict(7, 1)).expect(0, "evict 7 from 1")
	})
	t.Run("B6 never the only one", func(t *testing.T) {
		w := newWorld(t).chain(7, 1, 1).admin(evict(7, 1))
		w.expect(0)
		if got := w.lastFailure(); got != "force-evict-replica:7: refused: node 1 is the only holder of chain 7" {
			t.Error(got)
		}
		if len(w.s.Forced()) != 0 {
			t.Error("a refused order still waits")
		}
	})
	t.Run("B6 never the last live one", func(t *testing.T) {
		w := newWorld(t).chain(7, 1, 1, 2).lost(40, 2).admin(evict(7, 1))
		w.pass(40)
		if got := w.lastFailure(); got != "force-evict-replica:7: refused: without node 1 chain 7 has no live holder" {
			t.Error(got)
		}
	})
	t.Run("Core184 a victim that is not a holder", func(t *testing.T) {
		newWorld(t).chain(7, 2, 1, 2).admin(evict(7, 9)).expect(0, "evict 7 from 9")
	})
	t.Run("Core173 no cooldown keeps it back, B3 two for a chain one after the other", func(t *testing.T) {
		w := newWorld(t).chain(7, 1, 1, 2, 3).admin(evict(7, 1), evict(7, 2))
		w.succeed(w.expect(0, "evict 7 from 1")...)
		w.expect(1)
		w.to(1).hear(gone(7, 1))
		w.expect(2, "evict 7 from 2") // the first is reported as done
	})
	t.Run("B3 Core182 during a freeze it waits", func(t *testing.T) {
		w := newWorld(t).chain(7, 1, 1, 2, 3).admin(mesh.FreezeCluster{TTL: 10 * time.Second}, evict(7, 1))
		w.expect(1)
		w.expect(10, "evict 7 from 1")
	})
	t.Run("B3 what found no room waits", func(t *testing.T) {
		w := newWorld(t).chain(7, 3, 1, 2, 3).admin(evict(7, 1))
		if res := w.passWithRoom(0, 0); res != "" {
			t.Error(res)
		}
		w.expect(1, "evict 7 from 1")
		w.expect(2, "place 7 not on 1,2,3,100")
	})
	t.Run("before any leader is known", func(t *testing.T) {
		w := newWorld(t).hear(added(7, 1, 2, 3)...).admin(evict(7, 1))
		w.expect(0)
		w.hear(leader(7, this))
		w.expect(1, "evict 7 from 1")
	})
}

func TestForcedPlacements(t *testing.T) {
	place := func(c mesh.ChainID, n mesh.NodeID) mesh.AdminEvent {
		return mesh.ForceCutover{Chain: c, Target: n}
	}
	t.Run("Core175 B9 excludes holders only", func(t *testing.T) {
		newWorld(t).chain(7, 2, 100, 99).admin(mesh.Cordon{Node: 42}, place(7, 42)).expect(0, "place 7 on 42 not on 99,100")
	})
	t.Run("Core176 led elsewhere", func(t *testing.T) {
		newWorld(t).chain(7, 2, 1, 2).hear(leader(7, 5)).admin(place(7, 42)).expect(0)
	})
	t.Run("Core179 a target that holds it", func(t *testing.T) {
		newWorld(t).chain(7, 2, 1, 2).admin(place(7, 2)).expect(0, "place 7 on 2 not on 1")
	})
	t.Run("B9 the count arm asks for nothing beside it", func(t *testing.T) {
		newWorld(t).chain(7, 3, 1).admin(place(7, 42)).expect(0, "place 7 on 42 not on 1")
	})
	t.Run("B13 it waits until the node is Active again", func(t *testing.T) {
		w := newWorld(t).chain(7, 1, 1).admin(mesh.EnterMaintenance{Node: this}, mesh.ExitMaintenance{Node: this}, place(7, 42))
		w.succeed(w.expect(0, "commit recovery")...)
		w.expect(1)
		if n := len(w.s.Forced()); n != 1 {
			t.Errorf("%d orders wait", n)
		}
	})
}

func TestB12_EvacuationOfReplicas(t *testing.T) {
	t.Run("dropped once enough others hold it", func(t *testing.T) {
		w := newWorld(t).hear(added(7, this, 1)...).hear(desired(7, 2)).admin(mesh.EnterMaintenance{Node: this})
		w.expect(0)
		w.hear(added(7, 2)...)
		w.expect(1, "drop 7")
	})
	t.Run("Core196 the leader asks for a placement until then", func(t *testing.T) {
		w := newWorld(t).hear(added(7, this)...).hear(leader(7, this)).admin(mesh.EnterMaintenance{Node: this})
		w.expect(0, "place 7 not on 100")
	})
	t.Run("a drain does the same without leaving Active", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, this, 1).admin(mesh.Drain{Node: this, DrainFor: time.Minute})
		w.succeed(w.expect(0, "place 7 not on 1,100")...)
		w.to(1).hear(added(7, 2)...)
		w.succeed(w.expect(1, "drop 7")...)
		w.to(2).hear(gone(7, this))
		w.expect(2)
		if m := w.s.Maintenance(); m.Draining || !m.Cordoned {
			t.Errorf("%+v", m)
		}
		w.hear(hold(7, mesh.HoldKeep))
		w.expect(10) // B12a: nothing is pulled while it is cordoned
		w.admin(mesh.Uncordon{Node: this})
		w.expect(11, "pull 7 from 1")
	})
	t.Run("B13 nothing is pulled or placed before Active", func(t *testing.T) {
		w := newWorld(t).chain(7, 2, 1).hear(hold(7, mesh.HoldKeep))
		w.admin(mesh.EnterMaintenance{Node: this})
		w.succeed(w.expect(0, "commit maintenance")...)
		w.expect(1)
		w.to(10).admin(mesh.ExitMaintenance{Node: this})
		w.succeed(w.expect(10, "commit recovery")...)
		w.expect(11)
		w.succeed(w.expect(310, "commit active")...)
		w.expect(311, "pull 7 from 1", "place 7 not on 1,100")
	})
}

func TestMaintenanceArm(t *testing.T) {
	enter := mesh.EnterMaintenance{Node: this, DrainFor: window(time.Minute)}
	t.Run("Core194 active", func(t *testing.T) { newWorld(t).expect(0) })
	t.Run("Core205 nothing here", func(t *testing.T) { newWorld(t).admin(enter).expect(0, "commit maintenance") })
	t.Run("Core199 success wins over the deadline", func(t *testing.T) {
		newWorld(t).admin(enter).expect(100, "commit maintenance")
	})
	t.Run("Core206 the deadline itself is over", func(t *testing.T) {
		w := newWorld(t).hear(added(7, this)...).admin(enter)
		w.expect(59.999)
		out := w.expect(60, "commit drain_failed")
		if r := out[0].Action.(mesh.CommitTransition).Reason; r != "drain deadline elapsed after 60000 ms" {
			t.Error(r)
		}
	})
	t.Run("B12 Core207 a daemon that is essential does not keep it back", func(t *testing.T) {
		w := newWorld(t, func(b *state.Boot) {
			b.Desired.Daemons = []mesh.ConfiguredDaemon{{Daemon: ref(1), Run: true, Essential: true}}
		})
		w.hear(started(1)).admin(enter).expect(0, "commit maintenance")
	})
	t.Run("Core200 steady", func(t *testing.T) {
		w := newWorld(t).admin(enter)
		w.succeed(w.pass(0)...)
		w.expect(100)
	})
	t.Run("Core202 Core203 Core208 the ramp", func(t *testing.T) {
		w := newWorld(t).admin(enter, mesh.ExitMaintenance{Node: this})
		w.succeed(w.expect(0, "commit recovery")...)
		w.expect(60)
		w.expect(299.999)
		w.expect(300, "commit active")
	})
	t.Run("Core209 B13 an exit waits for daemons that are not well, and for no others", func(t *testing.T) {
		w := newWorld(t).hear(intent(1, run), started(1), intent(2, stop), exited(2),
			mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonDegraded}})
		w.admin(enter, mesh.ExitMaintenance{Node: this})
		w.expect(0)
		w.hear(mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}})
		w.expect(1, "commit recovery")
	})
	t.Run("B13 an exit waits for the first verdict on the present process", func(t *testing.T) {
		w := newWorld(t, func(b *state.Boot) {
			b.Desired.Daemons = []mesh.ConfiguredDaemon{{Daemon: ref(1), Run: true, Checked: true}}
		})
		healthy := mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}}
		w.hear(started(1), healthy).admin(enter)
		w.pass(0)
		w.hear(exited(1)).admin(mesh.ExitMaintenance{Node: this})
		w.pass(1)
		w.hear(started(1))
		w.expect(2) // it was healthy, but that was another process
		w.hear(healthy)
		w.expect(3, "commit recovery")
	})
	t.Run("B1 Core212 a commit is not asked for twice", func(t *testing.T) {
		w := newWorld(t).admin(enter)
		w.expect(0, "commit maintenance")
		w.expect(1)
	})
	t.Run("B1 a phase that was reached holds back no next one", func(t *testing.T) {
		w := newWorld(t).admin(enter)
		w.succeed(w.expect(0, "commit maintenance")...)
		w.admin(mesh.ExitMaintenance{Node: this})
		w.succeed(w.expect(0.5, "commit recovery")...)
	})
}

func window(d time.Duration) *time.Duration { return &d }

func nodes(ns []mesh.NodeID) string {
	var out []string
	for _, n := range ns {
		out = append(out, itoa(uint64(n)))
	}
	return strings.Join(out, ",")
}
