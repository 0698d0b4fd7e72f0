package view

import (
	"fmt"
	"slices"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// That each of many peers has a name of its own makes no reason of its own.
func TestPeersWhoseNamesDoNotResolveHaveOneReason(t *testing.T) {
	s := &meshosv1.Snapshot{}
	for id := uint64(2); id < 6; id++ {
		host := fmt.Sprintf("h%d.example", id)
		s.Unresolved = append(s.Unresolved, &meshosv1.NameView{Name: host, Reason: "no such name", Peers: []uint64{id}})
		s.Peers = append(s.Peers, &meshosv1.PeerView{Peer: id, HealthReason: "no such name: " + host})
	}
	want := []string{"4 of 4 peers not checked (no such name)"}
	if got := (Printer{}).peerTroubles(Page{Snapshot: s}); !slices.Equal(got, want) {
		t.Errorf("it says %q, want %q", got, want)
	}
}
