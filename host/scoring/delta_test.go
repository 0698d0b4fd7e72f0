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

func genView() *rapid.Generator[View] {
	ids := rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 0, 10, rapid.ID[int])
	return rapid.Custom(func(t *rapid.T) (v View) {
		v.Version = rapid.Uint64Range(1, 1000).Draw(t, "version")
		for _, id := range sorted(ids.Draw(t, "nodes")) {
			v.Nodes = append(v.Nodes, genNode(mesh.NodeID(id)).Draw(t, "node"))
		}
		for _, id := range sorted(ids.Draw(t, "chains")) {
			c := Chain{ID: mesh.ChainID(id), Desired: uint32(rapid.IntRange(0, 2).Draw(t, "desired"))}
			for _, h := range sorted(rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 1, 3, rapid.ID[int]).Draw(t, "holders")) {
				c.Holders = append(c.Holders, mesh.NodeID(h))
			}
			v.Chains = append(v.Chains, c)
		}
		return v
	})
}

func sorted(in []int) []int {
	slices.Sort(in)
	return in
}

// Applying the changes leads to the whole view; jitter that was left out stays within its
// dead bands; and neither view is written to.
func TestB10_ChangesLeadToTheFullView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, now := genView().Draw(t, "base"), genView().Draw(t, "now")
		baseBefore, nowBefore := base.apply(base.full()), now.apply(now.full())
		for _, all := range []bool{true, false} {
			req, urgent := changes(&base, &now, all, &holders{})
			if req.Version != now.Version || req.Base != base.Version || req.Full {
				t.Fatalf("got %+v", req)
			}
			got := base.apply(req)
			if all {
				if d := cmp.Diff(now, got, cmpopts.EquateEmpty()); d != "" {
					t.Fatal(d)
				}
			}
			if d := cmp.Diff(now.Chains, got.Chains, cmpopts.EquateEmpty()); d != "" {
				t.Fatal(d)
			}
			if len(got.Nodes) != len(now.Nodes) {
				t.Fatalf("%d nodes, want %d", len(got.Nodes), len(now.Nodes))
			}
			for i := range now.Nodes {
				if got.Nodes[i].Peer.Node != now.Nodes[i].Peer.Node || now.Nodes[i].since(&got.Nodes[i]) > jitter {
					t.Fatalf("node %d: got %+v, want %+v", i, got.Nodes[i], now.Nodes[i])
				}
			}
			if again, urgent := changes(&got, &now, false, &holders{}); urgent || len(again.Nodes) > 0 {
				t.Fatalf("a view after its changes is not the one at hand: %+v", again)
			}
			if !urgent && (len(req.Chains) > 0 || len(req.RemovedChains) > 0 || len(req.RemovedNodes) > 0) {
				t.Fatalf("not urgent: %+v", req)
			}
		}
		if d := cmp.Diff(baseBefore, base.apply(base.full())) + cmp.Diff(nowBefore, now.apply(now.full())); d != "" {
			t.Fatalf("a view was written to: %s", d)
		}
	})
}

func TestB10_WhatHasChainsScoredAgain(t *testing.T) {
	view := func() View {
		return View{
			Version: 1,
			Nodes: []Node{
				{Peer: snapshot.Peer{Node: 1}},
				{Peer: snapshot.Peer{Node: 2, RTT: 20 * time.Millisecond, HasRTT: true}},
				{Peer: snapshot.Peer{Node: 3, RTT: 20 * time.Millisecond, HasRTT: true}},
			},
			Chains: []Chain{{ID: 7, Holders: []mesh.NodeID{1, 2}, Desired: 2}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*View)
		urgent bool
		nodes  int
	}{
		{"Core247 nothing", func(*View) {}, false, 0},
		{"jitter of a holder", func(v *View) { v.Nodes[1].Peer.RTT = 22 * time.Millisecond }, false, 0},
		{"Core248 a holder moves away", func(v *View) { v.Nodes[1].Peer.RTT = 30 * time.Millisecond }, true, 1},
		{"one that holds nothing moves away", func(v *View) { v.Nodes[2].Peer.RTT = 30 * time.Millisecond }, false, 1},
		{"one that holds nothing is cordoned", func(v *View) { v.Nodes[2].Peer.Cordoned = true }, true, 1},
		{"a node comes", func(v *View) { v.Nodes = append(v.Nodes, Node{Peer: snapshot.Peer{Node: 4}}) }, true, 1},
		{"a node goes", func(v *View) { v.Nodes = v.Nodes[:2] }, true, 0},
		{"Core250 a holder comes", func(v *View) { v.Chains[0].Holders = []mesh.NodeID{1, 2, 3} }, true, 0},
		{"a wish changes", func(v *View) { v.Chains[0].Desired = 3 }, true, 0},
		{"a chain is led", func(v *View) { v.Chains = append(v.Chains, Chain{ID: 8, Holders: []mesh.NodeID{1}}) }, true, 0},
		{"a chain is no longer led", func(v *View) { v.Chains = nil }, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, now := view(), view()
			c.change(&now)
			req, urgent := changes(&base, &now, false, &holders{})
			if urgent != c.urgent || len(req.Nodes) != c.nodes {
				t.Errorf("urgent %v with %d nodes, want %v with %d", urgent, len(req.Nodes), c.urgent, c.nodes)
			}
		})
	}
}
