package mesh

import (
	"context"
	"strings"
	"testing"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestThreeNodesFromNothingSeeEachOtherAndFoldOneLog(t *testing.T) {
	w := newWorld(t, 3)
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

	before := w.equal(1, three...)
	w.freeze(2)
	w.equal(before+1, three...)
	for _, id := range three {
		w.until(id, "is frozen", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	}
	w.thaw(3, three...)
	w.equal(before+2, three...)
}
