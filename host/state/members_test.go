package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// said is a member that says how it is.
func said(id mesh.NodeID, change ...func(*mesh.Announced)) mesh.Announced {
	heard := time.Second
	a := mesh.Announced{
		ID: id, Name: "m", Heard: &heard, Summary: &mesh.Summary{Height: 10, Phase: mesh.PhaseActive},
	}
	for _, c := range change {
		c(&a)
	}
	return a
}

func announced(all ...mesh.Announced) mesh.PeersAnnounced { return mesh.PeersAnnounced{Peers: all} }

func gone(a *mesh.Announced) { a.Gone = true }

// logged is an order of the mesh at a height.
func logged(height uint64, ev mesh.AdminEvent) mesh.Input {
	return mesh.Heard{Event: mesh.AdminReceived{Event: ev}, Ordered: &mesh.Place{Height: height, Mesh: true}}
}

func (w *world) thePeer(id mesh.NodeID) state.Peer {
	w.t.Helper()
	p, ok := w.s.Peer(id)
	if !ok {
		w.t.Fatalf("node %d is not known", id)
	}
	return p
}

func TestWhatANodeSaysOfItselfCountsOnceItFoldedTheLastOrderAboutIt(t *testing.T) {
	w := newWorld(t)
	cordoned := func(height uint64, cordoned bool) mesh.Input {
		return announced(said(2, func(a *mesh.Announced) { a.Summary.Height, a.Summary.Cordoned = height, cordoned }))
	}
	w.input(cordoned(10, true))
	if p := w.thePeer(2); !p.Cordoned || !p.OwnWord {
		t.Errorf("its own word: %+v", p)
	}
	w.input(logged(12, mesh.Uncordon{Node: 2}))
	if p := w.thePeer(2); p.Cordoned || p.OwnWord || p.OrderedAt != 12 {
		t.Errorf("ordered since: %+v", p)
	}
	w.input(cordoned(11, true))
	if p := w.thePeer(2); p.Cordoned {
		t.Error("its word is older than the order")
	}
	w.input(cordoned(13, true)) // by an order of its own door
	if p := w.thePeer(2); !p.Cordoned || !p.OwnWord {
		t.Errorf("it has folded the order: %+v", p)
	}
	w.input(logged(14, mesh.EnterMaintenance{Node: 2}))
	if p := w.thePeer(2); p.Phase != mesh.PhaseEntering || !w.s.Leaving(2) {
		t.Errorf("an order that it did not fold yet: %+v", p)
	}
	w.input(announced(said(2, func(a *mesh.Announced) { a.Summary.Height, a.Summary.Phase = 14, mesh.PhaseMaintenance })))
	if p := w.thePeer(2); p.Phase != mesh.PhaseMaintenance || !w.s.InMaintenance(2) {
		t.Errorf("its own phase: %+v", p)
	}
}

func TestACordonOfThisNodesOwnDoorOutlivesTheOthersWord(t *testing.T) {
	w := newWorld(t)
	w.input(mesh.Heard{Event: mesh.AdminReceived{Event: mesh.Cordon{Node: 2}}, Ordered: &mesh.Place{Height: 99}})
	w.input(announced(said(2)))
	if p := w.thePeer(2); !p.Cordoned || !p.OwnWord {
		t.Errorf("%+v", p)
	}
	w.input(mesh.Heard{Event: mesh.AdminReceived{Event: mesh.Uncordon{Node: 2}}, Ordered: &mesh.Place{Height: 100}})
	if p := w.thePeer(2); p.Cordoned {
		t.Errorf("%+v", p)
	}
}

func TestAPeerThatOnlyThisNodeCantReachIsNotEvicted(t *testing.T) {
	w := newWorld(t)
	at := 0.0
	later := func() {
		at += 40
		w.to(at).input(mesh.Samples{Probe: "tcp", Health: []mesh.HealthSample{{Peer: 2, Health: mesh.HealthUnreachable}}})
		w.tick(at)
	}
	doubts := func(id mesh.NodeID) mesh.Announced {
		return said(id, func(a *mesh.Announced) { a.Summary.Unreachable = []mesh.NodeID{2} })
	}
	w.input(announced(said(2), said(3), said(4), said(5)))
	later()
	later()
	if !w.s.FromHere(2) || !w.s.Live(2) || w.s.MayHost(2) {
		t.Errorf("from here %v, live %v, may host %v", w.s.FromHere(2), w.s.Live(2), w.s.MayHost(2))
	}
	w.input(announced(doubts(3)))
	if n, of := w.s.Doubters(2); !w.s.FromHere(2) || n != 1 || of != 3 {
		t.Errorf("one of three others: from here %v, %d of %d", w.s.FromHere(2), n, of)
	}
	w.input(announced(doubts(4)))
	w.tick(at)
	if w.s.FromHere(2) || w.s.Live(2) || !w.s.Lost()[2] {
		t.Errorf("two of three others: from here %v, live %v", w.s.FromHere(2), w.s.Live(2))
	}
	w.input(announced(said(4)))
	w.tick(at)
	if !w.s.FromHere(2) || !w.s.Live(2) || w.s.Lost()[2] {
		t.Error("the second one takes it back")
	}
	w.input(announced(said(2, gone)))
	w.tick(at)
	if w.s.FromHere(2) || w.s.Live(2) {
		t.Error("without a session it is lost for all")
	}
	w.input(announced(said(2), said(3, gone), said(4, gone), said(5, gone)))
	if w.s.FromHere(2) {
		t.Error("nobody else is there to say so")
	}
}

func TestTheWorstOfSeveralProbesIsTheHealthOfAPeer(t *testing.T) {
	w := newWorld(t)
	say := func(probe string, h mesh.NodeHealth) {
		in := mesh.Samples{Probe: probe, HealthComplete: true}
		if h != mesh.HealthUnknown {
			in.Health = []mesh.HealthSample{{Peer: 2, Health: h, Reason: probe}}
		}
		w.input(in)
	}
	health := func(want mesh.NodeHealth, reason string) {
		t.Helper()
		if p := w.thePeer(2); p.Health != want || p.HealthReason != reason {
			t.Errorf("%v because of %q, want %v because of %q", p.Health, p.HealthReason, want, reason)
		}
	}
	say("session", mesh.HealthHealthy)
	say("tcp", mesh.HealthUnreachable)
	health(mesh.HealthUnreachable, "tcp")
	since := w.thePeer(2).HealthSince
	w.to(1)
	say("session", mesh.HealthHealthy)
	say("tcp", mesh.HealthUnreachable)
	if got := w.thePeer(2).HealthSince; got != since {
		t.Errorf("it changed at %v, and again at %v", since, got)
	}
	say("session", mesh.HealthUnreachable)
	health(mesh.HealthUnreachable, "session")
	say("tcp", mesh.HealthHealthy)
	health(mesh.HealthUnreachable, "session")
	say("session", mesh.HealthUnknown) // it says nothing of the peer any more
	health(mesh.HealthHealthy, "tcp")
}

func TestB17_AnnouncedPeersStayUntilTheyAreExpelled(t *testing.T) {
	w := newWorld(t)
	w.input(mesh.Reload{Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 3, Name: "from the file"}}}})
	w.input(announced(said(2), said(3)))
	w.hear(mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 2})
	if w.thePeer(3).Name != "from the file" || w.thePeer(2).Name != "m" {
		t.Errorf("%+v, %+v", w.thePeer(3), w.thePeer(2))
	}
	w.input(announced(said(2, gone)))
	for n := range 30 {
		w.tick(float64(60 * n))
	}
	if c, _ := w.s.Chain(7); !c.HeldBy(2) {
		t.Error("the replicas of one that is merely gone are forgotten")
	}
	w.input(mesh.Reload{})
	if p := w.thePeer(3); p.Name != "m" || p.Member == nil {
		t.Errorf("taken out of the file, it stays a member: %+v", p)
	}
	w.input(mesh.PeersAnnounced{Expelled: []mesh.NodeID{2, 3}})
	w.tick(2000)
	if _, known := w.s.Peer(2); known {
		t.Error("an expelled node is known")
	}
	if c, _ := w.s.Chain(7); c.HeldBy(2) {
		t.Error("an expelled node holds a chain")
	}
}

func TestB17_FiguresOfANodeCountAsLongAsItsSession(t *testing.T) {
	w := newWorld(t)
	load := 0.7
	with := said(2, func(a *mesh.Announced) {
		a.Summary.Inventory = &mesh.Inventory{Node: 2, CPULoad1m: &load}
		a.Summary.Inventory.Ages[mesh.FactCPULoad1m] = 2 * time.Second
	})
	w.input(announced(with))
	w.tick(60).tick(600)
	p := w.thePeer(2)
	if p.Inventory == nil || *p.Inventory.CPULoad1m != load || w.s.Now().Since(p.Measured[mesh.FactCPULoad1m]) != 10*time.Minute+3*time.Second {
		t.Errorf("%+v", p.Inventory)
	}
	with.Gone = true
	w.input(announced(with))
	w.tick(720)
	if p := w.thePeer(2); p.Inventory != nil {
		t.Errorf("without a session: %+v", p.Inventory)
	}
}

func TestTargetsAreMembersThatMayBeGivenReplicas(t *testing.T) {
	w := newWorld(t)
	w.input(announced(
		said(2), said(3, func(a *mesh.Announced) { a.Summary.Cordoned = true }), said(4, gone),
		said(5, func(a *mesh.Announced) { a.Summary.ChainsMost, a.Summary.ChainsHeld = 2, 2 }), said(6, func(a *mesh.Announced) { a.Summary = nil }),
	))
	w.tick(1)
	if got := w.s.Targets(); !slices.Equal(got, []mesh.NodeID{2}) {
		t.Errorf("%v", got)
	}
	w.input(announced(said(3)))
	w.tick(2)
	if got := w.s.Targets(); !slices.Equal(got, []mesh.NodeID{2, 3}) {
		t.Errorf("%v", got)
	}
}
