package mesh

import (
	"fmt"

	"github.com/meshos/meshos/host/meshlog"
)

// recordedAndNotFolded brings a leaf to where a node is that was killed when an entry was on its
// disk, and before it folded it: its record is that of another node. Each entry has one audit
// record afterwards, however often the node starts.
func recordedAndNotFolded(w *world, o *orders) {
	const id, of = 5, 1
	before := w.equal(1, five...)
	n := w.lab.Node(id)
	n.Kill()
	w.cordon(o, of, "recorded and not folded")
	w.remove(meshlog.Dir(n.Data()))
	w.copy(meshlog.Dir(w.lab.Node(of).Data()), meshlog.Dir(n.Data()))
	for range 2 {
		w.start(id)
		w.cordon(o, id, "on a node that recorded and did not fold")
		w.auditedOnce(id, before)
		n.Kill()
	}
	w.start(id)
	w.auditedOnce(id, before)
}

// auditedOnce waits until a node has an audit record of each entry of its log above a height,
// and fails the test if it has two.
func (w *world) auditedOnce(id int, above uint64) {
	w.t.Helper()
	height := w.equal(above+1, five...)
	counts := map[uint64]int{}
	w.wait(func() string {
		return fmt.Sprintf("node %d has audit records of the heights %d to %d; their numbers are %v", id, above+1, height, counts)
	}, func() bool {
		clear(counts)
		for _, r := range w.audit(id) {
			counts[r.GetHeight()]++
		}
		for h := above + 1; h <= height; h++ {
			if counts[h] == 0 {
				return false
			}
		}
		return true
	})
	for h := above + 1; h <= height; h++ {
		if counts[h] != 1 {
			w.t.Errorf("node %d has %d audit records of height %d", id, counts[h], h)
		}
	}
}
