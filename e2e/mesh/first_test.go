package mesh

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/meshlog"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestThreeNodesFromNothingSeeEachOtherAndFoldOneLog(t *testing.T) {
	w := newWorld(t, 3, "[[plugin]]\nname = \"locality-icmp\"")
	three := []int{1, 2, 3}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if err := w.lab.Found(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for _, id := range three {
		listed := ""
		w.wait(func() string { return "meshos nodes names all of them: " + listed }, func() bool {
			listed = w.must(id, "nodes")
			for _, n := range w.lab.Nodes() {
				if !strings.Contains(listed, n.Name) {
					return false
				}
			}
			return true
		})
	}
	t.Logf("from nothing to three nodes that see each other: %s", time.Since(began).Round(10*time.Millisecond))
	w.allHear(three...)
	w.until(1, "hears how many chains the others may hold", func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPeers() {
			if m := p.GetMember(); m != nil && m.GetSummary().GetChainsMost() == 0 {
				return false
			}
		}
		return true
	})

	before := w.equal(1, three...)
	w.freeze(2)
	w.equal(before+1, three...)
	for _, id := range three {
		w.until(id, "is frozen", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	}
	w.thaw(3, three...)
	w.equal(before+2, three...)
	knownWithoutTheMesh(w)
	w.allHear(three...)
}

// knownWithoutTheMesh starts a node again while no other one runs. It still knows and measures the
// others.
func knownWithoutTheMesh(w *world) {
	w.t.Helper()
	measures := func(s *meshosv1.Snapshot) bool {
		n := 0
		for _, p := range s.GetPeers() {
			if p.GetMember() != nil && p.GetRtt() != nil && p.GetName() != "" {
				n++
			}
		}
		return n == 2
	}
	w.until(3, "measures the others", measures)
	w.wait(func() string { return "node 3 keeps the addresses of the others" }, func() bool {
		kept, err := meshlog.Peers(w.lab.Node(3).Data()).Recall()
		return err == nil && len(kept) == 2 && kept[0].Address != "" && kept[1].Address != ""
	})
	w.stop(1, 2, 3)
	w.start(3)
	w.until(3, "measures the others although the mesh is away", measures)
	if out := w.must(3, "nodes"); !strings.Contains(out, w.lab.Node(1).Name) {
		w.t.Errorf("meshos nodes does not name node 1 while the mesh is away: %s", out)
	}
	w.start(1, 2)
}
