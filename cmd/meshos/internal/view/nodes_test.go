package view_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// meshOf returns what a node of a mesh of equal nodes shows.
func meshOf(nodes int, change func(*meshosv1.PeerView)) *meshosv1.Snapshot {
	load := 0.5
	s := &meshosv1.Snapshot{Node: 1, Info: &meshosv1.NodeInfo{Name: "alpha", Version: "v1.2.3"}, Mesh: &meshosv1.MeshView{Height: 812, Members: uint32(nodes)}}
	for id := 1; id <= nodes; id++ {
		p := &meshosv1.PeerView{
			Peer: uint64(id), Name: fmt.Sprintf("storage-%02d", id), Maintenance: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE,
			Inventory: &meshosv1.PeerInventory{LoadPerCpu: &load, MemUsedBytes: ptr(uint64(1)), MemTotalBytes: ptr(uint64(4)), DiskUsedBytes: ptr(uint64(3)), DiskTotalBytes: ptr(uint64(4))},
			Member:    &meshosv1.MemberView{Seed: id < 4, OwnWord: true, Summary: &meshosv1.NodeSummary{Height: 812, Version: "v1.2.3"}},
		}
		change(p)
		s.Peers = append(s.Peers, p)
	}
	return s
}

func ptr[T any](v T) *T { return &v }

// On a page of 80 columns each node has one line, unless there is more to be said of it: columns
// in which all nodes say the same give way.
func TestEachNodeHasOneLine(t *testing.T) {
	p := view.Printer{Width: 80}
	text := p.NodeTable(meshOf(5, func(*meshosv1.PeerView) {}))
	rows := strings.Split(text[:strings.Index(text, "\n\n")], "\n")
	if len(rows) != 6 || !strings.Contains(rows[0], "LOAD") || strings.Contains(rows[0], "VERSION") || !strings.Contains(rows[3], "50%") {
		t.Errorf("%d lines:\n%s", len(rows), text)
	}
	text = p.NodeTable(meshOf(5, func(p *meshosv1.PeerView) {
		if p.Peer == 3 {
			p.Member.Summary.Version = "v1.3.0"
		}
	}))
	if !strings.Contains(text, "VERSION") || !strings.Contains(text, "v1.3.0") {
		t.Errorf("an upgrade that goes on is not shown:\n%s", text)
	}
	if text := (view.Printer{Width: view.Unlimited}).NodeTable(meshOf(5, func(*meshosv1.PeerView) {})); !strings.Contains(text, "VERSION") || !strings.Contains(text, "HEARD") {
		t.Errorf("--wide leaves something out:\n%s", text)
	}
}

// A session goes on for a while after the last word of a node: what is shown is that word.
func TestANodeThatIsSilentIsShownWithWhenItWasHeard(t *testing.T) {
	text := (view.Printer{Width: view.Unlimited}).NodeTable(meshOf(3, func(p *meshosv1.PeerView) {
		p.Member.Heard = durationpb.New(9 * time.Second)
		p.Member.Silent = p.Peer == 3
	}))
	rows := strings.Split(text, "\n")
	if strings.Contains(rows[2], "9s ago") || !strings.Contains(rows[2], "now") || !strings.Contains(rows[3], "9s ago") {
		t.Errorf("nodes:\n%s", text)
	}
}
