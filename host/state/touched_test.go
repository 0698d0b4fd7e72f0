package state_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/internal/statetest"
)

// Whatever changes an entry marks it for those who follow.
func TestWhatChangesIsTouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newState()
		passes := reconcile.New(s)
		at := statetest.Start()
		daemons, chains, peers, avoided := s.Entries()
		for i, step := range statetest.History(t) {
			at.At, at.Wall = at.At.Add(step.After), at.Wall.Add(step.After)
			in := step.Input(s.Emitted())
			switch {
			case in != nil:
				s.Apply(at, in)
				continue
			case step.Early:
				passes.EarlyPass(at, step.Room)
			default:
				passes.Pass(at, step.Room)
			}
			touched := s.Touched(marks.Snapshot)
			d, c, p, a := s.Entries()
			changed(t, i, "daemon", daemons, d, touched.Daemons)
			changed(t, i, "chain", chains, c, touched.Chains)
			changed(t, i, "peer", peers, p, touched.Peers)
			changed(t, i, "avoided peer", avoided, a, touched.Avoided)
			daemons, chains, peers, avoided = d, c, p, a
			s.Taken(marks.Snapshot)
		}
	})
}

func changed[K ~uint64](t *rapid.T, step int, what string, before, now map[K]any, touched marks.Touched[K]) {
	if touched.All {
		return
	}
	for _, entries := range []map[K]any{before, now} {
		for id := range entries {
			if !reflect.DeepEqual(before[id], now[id]) && !slices.Contains(touched.IDs, id) {
				t.Fatalf("step %d: %s %d was changed and not touched:\n%+v\n%+v", step, what, id, before[id], now[id])
			}
		}
	}
}

// What changes nothing that is shown or decided with touches nothing, so that nobody looks.
func TestWhatChangesNothingTouchesNothing(t *testing.T) {
	w := newWorld(t)
	rtt := mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 3, RTT: 1, Echoes: mesh.Echoes{Sent: 3, Received: 3, Round: 7}}}}
	health := mesh.Samples{Probe: "h", Health: []mesh.HealthSample{{Peer: 3, Health: mesh.HealthHealthy}}}
	events := []mesh.Event{
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 3},
		mesh.ReplicaLeader{Chain: 7, Leader: 3},
		mesh.DaemonStarted{Daemon: ref(1)},
		mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}},
	}
	for range 2 {
		w.hear(events...)
		w.input(rtt)
		w.input(health)
		w.tick(1)
		w.tick(2)
		w.s.Taken(marks.Snapshot)
	}
	w.hear(events[0], events[1], events[3])
	w.input(rtt)
	w.input(health)
	w.tick(3)
	got := w.s.Touched(marks.Snapshot)
	if n := len(got.Daemons.IDs) + len(got.Chains.IDs) + len(got.Peers.IDs); n > 0 || got.Daemons.All || got.Chains.All || got.Peers.All {
		t.Errorf("touched %+v", got)
	}
}

// The daemons whose start or end waits for another one are touched with it.
func TestWhatADaemonMattersForIsTouchedWithIt(t *testing.T) {
	w := newWorld(t)
	w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{
		{Daemon: ref(1), Run: true},
		{Daemon: ref(2), Run: true, Requires: []mesh.DaemonID{1}},
		{Daemon: ref(3), Run: true, After: []mesh.DaemonID{2, 4}},
		{Daemon: ref(4), Run: true},
		{Daemon: ref(5), Run: true},
	}}})
	touched := func(id mesh.DaemonID) []mesh.DaemonID {
		w.s.Taken(marks.Snapshot)
		w.hear(mesh.DaemonSaturationChanged{Daemon: ref(id), Saturation: 1})
		return w.s.Touched(marks.Snapshot).Daemons.IDs
	}
	for id, want := range map[mesh.DaemonID][]mesh.DaemonID{
		1: {1, 2, 3, 4}, // 4 ends after 3, which may have to end with 2, which requires 1
		3: {2, 3, 4},
		4: {2, 3, 4},
		5: {5},
	} {
		if got := touched(id); !slices.Equal(got, want) {
			t.Errorf("with daemon %d %v are touched, want %v", id, got, want)
		}
	}
}

// Folding what measures and reports all the time allocates nothing.
func TestFoldingAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	for c := mesh.ChainID(1); c < 100; c++ {
		w.hear(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: c, Holder: 3})
	}
	w.hear(mesh.DaemonStarted{Daemon: ref(1)})
	at := stamp(sec(1))
	var round uint64
	echoes := mesh.Samples{Probe: "p", RTT: make([]mesh.RTTSample, 50), RTTComplete: true}
	checks := mesh.Samples{Probe: "h", Health: make([]mesh.HealthSample, 50), HealthComplete: true}
	rtt, health := []mesh.Input{nil, nil}, []mesh.Input{nil, nil}
	for i := range rtt {
		rtt[i] = mesh.Heard{Event: mesh.RTTSample{Peer: 3, RTT: 5 + time.Duration(i)}}
		health[i] = mesh.Heard{Event: mesh.HealthSample{Peer: 3, Health: mesh.HealthHealthy + mesh.NodeHealth(i)}}
	}
	daemon := []mesh.Input{
		mesh.Heard{Event: mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonHealthy}}},
		mesh.Heard{Event: mesh.DaemonHealthChanged{Daemon: ref(1), Health: mesh.DaemonHealth{Status: mesh.DaemonDegraded}}},
	}
	replica := []mesh.Input{mesh.Heard{Event: mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 3}}}
	var samples, verdicts mesh.Input
	measured := func() {
		round++
		for i := range echoes.RTT {
			echoes.RTT[i] = mesh.RTTSample{Peer: mesh.NodeID(i + 1), RTT: 10, Echoes: mesh.Echoes{Sent: 20, Received: 20, Round: round}}
			checks.Health[i] = mesh.HealthSample{Peer: mesh.NodeID(i + 1), Health: mesh.HealthHealthy + mesh.NodeHealth(round%2)}
		}
	}
	samples, verdicts = echoes, checks
	for name, fold := range map[string]func(i int){
		"rtt event":        func(i int) { w.s.Apply(at, rtt[i%2]) },
		"health event":     func(i int) { w.s.Apply(at, health[i%2]) },
		"daemon's health":  func(i int) { w.s.Apply(at, daemon[i%2]) },
		"replica event":    func(int) { w.s.Apply(at, replica[0]) },
		"answer of echoes": func(int) { measured(); w.s.Apply(at, samples) },
		"answer of checks": func(int) { measured(); w.s.Apply(at, verdicts) },
	} {
		i := 0
		one := func() {
			fold(i)
			i++
			w.s.EndPass(func(mesh.NodeID) bool { return false })
			w.s.Taken(marks.Tick)
			w.s.Taken(marks.Snapshot)
			w.s.Taken(marks.Reconcile)
		}
		for range 100 { // until every slice is as long as it gets
			one()
		}
		if n := testing.AllocsPerRun(100, one); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A tick may come later than what is due after the one before, as on a machine that slept.
func TestWhatIsDueIsTouchedByALateTick(t *testing.T) {
	w := newWorld(t)
	w.input(mesh.Reload{Desired: mesh.Configured{Daemons: []mesh.ConfiguredDaemon{{Daemon: ref(1)}, {Daemon: ref(2), After: []mesh.DaemonID{1}}}}})
	w.hear(mesh.DaemonStarted{Daemon: ref(1)}, mesh.DaemonStarted{Daemon: ref(2)})
	w.tick(1)
	w.s.HandOut(mesh.StopDaemon{Daemon: ref(2), Deadline: sec(31)})
	w.s.Taken(marks.Snapshot)
	equal(t, "daemon 1 waits", w.s.StopWaits(w.daemon(1)), "d")
	w.tick(40)
	equal(t, "daemon 1 waits no longer", w.s.StopWaits(w.daemon(1)), "")
	if got := w.s.Touched(marks.Snapshot).Daemons.IDs; !slices.Equal(got, []mesh.DaemonID{1, 2}) {
		t.Errorf("touched %v", got)
	}
}
