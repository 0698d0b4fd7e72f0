package mesh

import (
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestThreeNodesFromNothingSeeEachOtherAndFoldOneLog(t *testing.T) {
	w := newMesh(t, 3, 1)
	for _, id := range w.all() {
		listed := w.must(id, "nodes")
		for _, n := range w.lab.Nodes() {
			if !strings.Contains(listed, n.Name) {
				t.Errorf("meshos nodes on node %d does not name %s:\n%s", id, n.Name, listed)
			}
		}
	}

	before := w.equal(1, w.all()...)
	w.eventually(2, w.breakGlass(2, "ice", "freeze", "--ttl", "10m")...)
	w.equal(before+1, w.all()...)
	for _, id := range w.all() {
		w.until(id, "is frozen", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	}
	w.eventually(3, w.breakGlass(3, "ice", "thaw")...)
	for _, id := range w.all() {
		w.until(id, "is frozen no more", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() == nil })
	}
	w.equal(before+2, w.all()...)
}
