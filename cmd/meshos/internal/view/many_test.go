package view

import (
	"fmt"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Of very many that are not well some are shown, and the others counted.
func TestOfVeryManyThatAreNotWellSomeAreShown(t *testing.T) {
	s := &meshosv1.Snapshot{Node: 1, Tick: 1, LocalMaintenance: &meshosv1.MaintenanceView{Draining: true}}
	for id := uint64(1); id <= 10_000; id++ {
		desired := uint32(3)
		s.Replicas = append(s.Replicas, &meshosv1.ReplicaView{Chain: id, Desired: &desired})
		s.Peers = append(s.Peers, &meshosv1.PeerView{Peer: id + 1, Health: meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE})
		s.AvoidList = append(s.AvoidList, &meshosv1.AvoidView{Peer: id + 1})
		s.LocalMaintenance.WaitingFor = append(s.LocalMaintenance.WaitingFor, fmt.Sprintf("chain %d", id))
	}
	got := Printer{}.Status(Page{Snapshot: s})
	if lines := strings.Count(got, "\n"); lines > 300 || strings.Count(got, "9950 more") != 4 {
		t.Errorf("%d lines:\n%.3000s", lines, got)
	}
	if all := (Printer{}).Status(Page{Snapshot: s, Filter: Filter{All: true}}); strings.Count(all, "\n") < 30_000 {
		t.Errorf("--all has %d lines", strings.Count(all, "\n"))
	}
}
