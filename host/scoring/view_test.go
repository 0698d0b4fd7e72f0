package scoring

import (
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
		Peers: []snapshot.Peer{
			{Node: 2, RTT: ptr(time.Millisecond), Health: mesh.HealthHealthy},
			{Node: 5, Name: "here", Inventory: stock, RTT: ptr(time.Second), Health: mesh.HealthDegraded},
			{Node: 7, Cordoned: true},
		},
		AvoidList:   []snapshot.Avoid{{Peer: 1}, {Peer: 7}, {Peer: 8}},
		Maintenance: snapshot.Maintenance{Phase: mesh.PhaseEntering, Cordoned: true},
		Replicas: []snapshot.Replica{
			{Chain: 1, Holders: []mesh.NodeID{2, 5}, Desired: ptr(uint32(3)), Leader: 5},
			{Chain: 2, Holders: []mesh.NodeID{2, 5}, Leader: 2},
			{Chain: 3, Desired: ptr(uint32(1)), Leader: 5},
			{Chain: 4, Holders: []mesh.NodeID{7}, Leader: 5},
			{Chain: 6, Holders: []mesh.NodeID{5}},
		},
	}
	here := Node{Peer: snapshot.Peer{Node: 5, Name: "here", Inventory: stock, Maintenance: mesh.PhaseEntering, Cordoned: true}}
	two := Node{Peer: s.Peers[0]}
	seven := Node{Peer: s.Peers[2], Avoided: true}
	led := []Chain{{ID: 1, Holders: []mesh.NodeID{2, 5}, Desired: 3}, {ID: 4, Holders: []mesh.NodeID{7}}}
	var v View
	v.fill(s, nil)
	if d := cmp.Diff(View{Version: 9, Nodes: []Node{two, here, seven}, Chains: led}, v); d != "" {
		t.Error(d)
	}
	// Without an inventory this node is not among its peers, but it is a node.
	here.Peer.Name, here.Peer.Inventory = "", nil
	for _, c := range []struct {
		name  string
		peers []snapshot.Peer
		want  []Node
	}{
		{"in the middle", []snapshot.Peer{s.Peers[0], s.Peers[2]}, []Node{two, here, seven}},
		{"first", []snapshot.Peer{s.Peers[2]}, []Node{here, seven}},
		{"last", []snapshot.Peer{s.Peers[0]}, []Node{two, here}},
		{"alone", nil, []Node{here}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Peers = c.peers
			v.fill(s, nil)
			if d := cmp.Diff(c.want, v.Nodes); d != "" {
				t.Error(d)
			}
		})
	}
}
