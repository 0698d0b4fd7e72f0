package scoring

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

func genNode(id mesh.NodeID) *rapid.Generator[Node] {
	return rapid.Custom(func(t *rapid.T) Node {
		n := Node{Peer: snapshot.Peer{Node: id}, Avoided: rapid.IntRange(0, 9).Draw(t, "avoided") == 0}
		if n.Peer.HasRTT = rapid.Bool().Draw(t, "has rtt"); n.Peer.HasRTT {
			n.Peer.RTT = time.Duration(rapid.IntRange(0, 40).Draw(t, "rtt")) * time.Millisecond
		}
		n.Peer.Health = mesh.NodeHealth(rapid.IntRange(0, 3).Draw(t, "health"))
		n.Peer.Cordoned = rapid.IntRange(0, 9).Draw(t, "cordoned") == 0
		if rapid.Bool().Draw(t, "inventory") {
			n.Peer.Inventory = &mesh.Inventory{
				Node:         id,
				CPULoad1m:    rapid.Ptr(rapid.Float64Range(0, 20), true).Draw(t, "load"),
				MemUsedBytes: rapid.Ptr(rapid.Uint64Range(0, 100), true).Draw(t, "used"), MemTotalBytes: ptr(uint64(100)),
			}
		}
		return n
	})
}

func genSnapshot() *rapid.Generator[*snapshot.Snapshot] {
	ids := rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 0, 10, rapid.ID[int])
	return rapid.Custom(func(t *rapid.T) *snapshot.Snapshot {
		s := &snapshot.Snapshot{Node: 6, Tick: rapid.Uint64Range(1, 1000).Draw(t, "version")}
		s.Maintenance.Cordoned = rapid.Bool().Draw(t, "cordoned")
		var peers []snapshot.Peer
		var avoided []snapshot.Avoid
		for _, id := range sorted(ids.Draw(t, "nodes")) {
			n := genNode(mesh.NodeID(id)).Draw(t, "node")
			if peers = append(peers, n.Peer); n.Avoided {
				avoided = append(avoided, snapshot.Avoid{Peer: n.Peer.Node})
			}
		}
		var chains []snapshot.Replica
		for _, id := range sorted(ids.Draw(t, "chains")) {
			r := snapshot.Replica{Chain: mesh.ChainID(id), Desired: uint32(rapid.IntRange(0, 2).Draw(t, "desired"))}
			for _, h := range sorted(rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 0, 3, rapid.ID[int]).Draw(t, "holders")) {
				r.Holders = append(r.Holders, mesh.NodeID(h))
			}
			r.Leader = mesh.NodeID(rapid.IntRange(5, 6).Draw(t, "leader"))
			chains = append(chains, r)
		}
		s.Peers, s.AvoidList, s.Replicas = snapshot.PeersOf(peers...), snapshot.AvoidListOf(avoided...), snapshot.ReplicasOf(chains...)
		return s
	})
}

func sorted(in []int) []int {
	slices.Sort(in)
	return in
}

// kept is a view as a scorer keeps it.
type kept struct {
	nodes  map[mesh.NodeID]Node
	chains map[mesh.ChainID]Chain
}

// apply does what a scorer does with a request.
func (k *kept) apply(req Request) {
	if req.Full {
		*k = kept{make(map[mesh.NodeID]Node), make(map[mesh.ChainID]Chain)}
	}
	for _, n := range req.Nodes {
		k.nodes[n.Peer.Node] = n
	}
	for _, id := range req.RemovedNodes {
		delete(k.nodes, id)
	}
	for _, c := range req.Chains {
		k.chains[c.ID] = c
	}
	for _, id := range req.RemovedChains {
		delete(k.chains, id)
	}
}

// However snapshots follow each other, and whichever of them the scorer is asked about: the
// changes lead to the whole view, and jitter that was left out stays within its dead bands.
func TestB10_ChangesLeadToTheFullView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTracker()
		tr.look(genSnapshot().Draw(t, "first"))
		var scorer kept
		req := tr.full()
		scorer.apply(req)
		tr.answered(req)
		base := req.Version
		for range rapid.IntRange(1, 6).Draw(t, "snapshots") {
			tr.look(genSnapshot().Draw(t, "next"))
			view := kept{make(map[mesh.NodeID]Node), make(map[mesh.ChainID]Chain)}
			for n := range tr.now.nodes() {
				view.nodes[n.Peer.Node] = n
			}
			for c := range tr.now.chains() {
				view.chains[c.ID] = c
			}
			all := rapid.Bool().Draw(t, "all")
			req, urgent := tr.changes(all)
			if req.Version != tr.now.Version || req.Base != base || req.Full || req.Led != len(view.chains) {
				t.Fatalf("got %+v", req)
			}
			if !urgent && (len(req.Chains) > 0 || len(req.RemovedChains) > 0 || len(req.RemovedNodes) > 0) {
				t.Fatalf("not urgent: %+v", req)
			}
			if !rapid.Bool().Draw(t, "asked") {
				continue
			}
			scorer.apply(req)
			tr.answered(req)
			base = req.Version
			if d := cmp.Diff(view.chains, scorer.chains, cmpopts.EquateEmpty()); d != "" {
				t.Fatal(d)
			}
			if len(scorer.nodes) != len(view.nodes) {
				t.Fatalf("%d nodes, want %d", len(scorer.nodes), len(view.nodes))
			}
			most := jitter
			if all {
				most = same
			}
			for id, n := range view.nodes {
				had, known := scorer.nodes[id]
				now, before := n.sent(), had.sent()
				if !known || now.since(&before) > most {
					t.Fatalf("node %d: got %+v, want %+v", id, had, n)
				}
			}
			if again, urgent := tr.changes(false); urgent || len(again.Nodes) > 0 {
				t.Fatalf("a view after its changes is not the one at hand: %+v", again)
			}
		}
	})
}

func TestB10_WhatHasChainsScoredAgain(t *testing.T) {
	first := func() *snapshot.Snapshot {
		return &snapshot.Snapshot{
			Node: 1, Tick: 1,
			Peers: snapshot.PeersOf(
				snapshot.Peer{Node: 2, RTT: 20 * time.Millisecond, HasRTT: true},
				snapshot.Peer{Node: 3, RTT: 20 * time.Millisecond, HasRTT: true},
			),
			Replicas: snapshot.ReplicasOf(snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2}, Desired: 2, Leader: 1}),
		}
	}
	peer := func(id mesh.NodeID, change func(*snapshot.Peer)) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { s.Peers = snapshottest.Changed(s.Peers, id, change) }
	}
	chains := func(list ...snapshot.Replica) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { s.Replicas = snapshot.ReplicasOf(list...) }
	}
	away := func(p *snapshot.Peer) { p.RTT = 30 * time.Millisecond }
	for _, c := range []struct {
		name   string
		change func(*snapshot.Snapshot)
		urgent bool
		nodes  int
	}{
		{"Core247 nothing", func(*snapshot.Snapshot) {}, false, 0},
		{"jitter of a holder", peer(2, func(p *snapshot.Peer) { p.RTT = 22 * time.Millisecond }), false, 0},
		{"Core248 a holder moves away", peer(2, away), true, 1},
		{"one that holds nothing moves away", peer(3, away), false, 1},
		{"one that holds nothing is cordoned", peer(3, func(p *snapshot.Peer) { p.Cordoned = true }), true, 1},
		{"this node is cordoned", func(s *snapshot.Snapshot) { s.Maintenance.Cordoned = true }, true, 1},
		{"one is avoided", func(s *snapshot.Snapshot) { s.AvoidList = snapshot.AvoidListOf(snapshot.Avoid{Peer: 3}) }, true, 1},
		{"a node comes", func(s *snapshot.Snapshot) {
			s.Peers = snapshot.PeersOf(append(slices.Collect(s.Peers.Values()), snapshot.Peer{Node: 4})...)
		}, true, 1},
		{"a node goes", func(s *snapshot.Snapshot) { s.Peers = snapshot.PeersOf(slices.Collect(s.Peers.Values())[:1]...) }, true, 0},
		{"Core250 a holder comes", chains(snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2, 3}, Desired: 2, Leader: 1}), true, 0},
		{"a wish changes", chains(snapshot.Replica{Chain: 7, Holders: []mesh.NodeID{1, 2}, Desired: 3, Leader: 1}), true, 0},
		{"a chain is led", func(s *snapshot.Snapshot) {
			chains(append(slices.Collect(s.Replicas.Values()), snapshot.Replica{Chain: 8, Holders: []mesh.NodeID{1}, Leader: 1})...)(s)
		}, true, 0},
		{"a chain of another comes", func(s *snapshot.Snapshot) {
			chains(append(slices.Collect(s.Replicas.Values()), snapshot.Replica{Chain: 8, Holders: []mesh.NodeID{1}, Leader: 2})...)(s)
		}, false, 0},
		{"a chain is no longer led", chains(), true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTracker()
			tr.look(first())
			tr.answered(tr.full())
			next := first()
			c.change(next)
			tr.look(next)
			req, urgent := tr.changes(false)
			if urgent != c.urgent || len(req.Nodes) != c.nodes {
				t.Errorf("urgent %v with %d nodes, want %v with %d", urgent, len(req.Nodes), c.urgent, c.nodes)
			}
		})
	}
}
