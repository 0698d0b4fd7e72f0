package scoring

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

func TestB10_ViewHoldsAllNodesAndTheLedChains(t *testing.T) {
	stock := &mesh.Inventory{Node: 5, CPULoad1m: ptr(1.5)}
	s := &snapshot.Snapshot{
		Node: 5, Tick: 9,
		Peers: snapshot.PeersOf(
			snapshot.Peer{Node: 2, RTT: time.Millisecond, HasRTT: true, Health: mesh.HealthHealthy},
			snapshot.Peer{Node: 5, Name: "here", Inventory: stock, RTT: time.Second, HasRTT: true, Health: mesh.HealthDegraded},
			snapshot.Peer{Node: 7, Cordoned: true},
		),
		AvoidList:   snapshot.AvoidListOf(snapshot.Avoid{Peer: 1}, snapshot.Avoid{Peer: 7}, snapshot.Avoid{Peer: 8}),
		Maintenance: snapshot.Maintenance{Phase: mesh.PhaseEntering, Cordoned: true},
		Replicas: snapshot.ReplicasOf(
			snapshot.Replica{Chain: 1, Holders: []mesh.NodeID{2, 5}, Desired: 3, HasDesired: true, Leader: 5},
			snapshot.Replica{Chain: 2, Holders: []mesh.NodeID{2, 5}, Leader: 2},
			snapshot.Replica{Chain: 3, Desired: 1, HasDesired: true, Leader: 5},
			snapshot.Replica{Chain: 4, Holders: []mesh.NodeID{7}, Leader: 5},
			snapshot.Replica{Chain: 6, Holders: []mesh.NodeID{5}},
		),
	}
	here := Node{Peer: snapshot.Peer{Node: 5, Name: "here", Inventory: stock, Maintenance: mesh.PhaseEntering, Cordoned: true}}
	peer2, _ := s.Peers.Get(2)
	peer7, _ := s.Peers.Get(7)
	two, seven := Node{Peer: peer2}, Node{Peer: peer7, Avoided: true}
	led := []Chain{{ID: 1, Holders: []mesh.NodeID{2, 5}, Desired: 3}, {ID: 4, Holders: []mesh.NodeID{7}}}
	v := viewOf(s)
	if d := cmp.Diff([]Node{two, here, seven}, slices.Collect(v.nodes())) + cmp.Diff(led, slices.Collect(v.chains())); d != "" || v.Version != 9 {
		t.Errorf("view %d: %s", v.Version, d)
	}
	// Without an inventory this node is not among its peers, but it is a node.
	here.Peer.Name, here.Peer.Inventory = "", nil
	for _, c := range []struct {
		name  string
		peers []snapshot.Peer
		want  []Node
	}{
		{"in the middle", []snapshot.Peer{peer2, peer7}, []Node{two, here, seven}},
		{"first", []snapshot.Peer{peer7}, []Node{here, seven}},
		{"last", []snapshot.Peer{peer2}, []Node{two, here}},
		{"alone", nil, []Node{here}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Peers = snapshot.PeersOf(c.peers...)
			v := viewOf(s)
			if d := cmp.Diff(c.want, slices.Collect(v.nodes())); d != "" {
				t.Error(d)
			}
			for _, n := range c.want {
				if one, ok := v.node(n.Peer.Node); !ok || one != n || !v.has(n.Peer.Node) {
					t.Errorf("node %d: got %+v", n.Peer.Node, one)
				}
			}
			if _, ok := v.node(9); ok || v.has(9) {
				t.Error("there is a node that nobody knows")
			}
		})
	}
}
