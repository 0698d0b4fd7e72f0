package mesh

import (
	"slices"
	"testing"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// held waits until the node that leads a chain knows it as held as it has to be.
func (w *world) held(chain uint64, what string, ok func(r *meshosv1.ReplicaView) bool, ids ...int) *meshosv1.ReplicaView {
	w.t.Helper()
	deadline := time.Now().Add(2 * patience) // a session has to end first, and the leader may be another one then
	for time.Now().Before(deadline) {
		for _, id := range ids {
			for _, r := range w.snapshot(id).GetReplicas() {
				if r.GetChain() == chain && r.GetLeader() == uint64(id) && ok(r) {
					return r
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("not within %s: %s", 2*patience, what)
	return nil
}

func TestChainsLiveOnTheNodesOfTheMesh(t *testing.T) {
	w := newWorld(t, 4)
	w.lab.Chains = true
	w.found(4)
	all := []int{1, 2, 3, 4}
	three := func(r *meshosv1.ReplicaView) bool { return len(r.GetHolders()) == 3 }

	w.eventually(1, "chain", "create", "orders", "--subject", "orders.>", "--yes", "--reason", "test")
	r := w.held(1, "three hold the chain", three, all...)
	w.refused(2, "chain", "create", "more", "--subject", "orders.new", "--yes", "--reason", "it would be stored twice")

	// A node that is drained has none soon, and others have as many as before.
	drained := r.GetHolders()[0]
	w.eventually(1, "admin", "drain", "--node", name(drained), "--yes", "--reason", "test")
	r = w.held(1, "the chain has left the drained node", func(r *meshosv1.ReplicaView) bool {
		return three(r) && !slices.Contains(r.GetHolders(), drained)
	}, all...)
	w.eventually(1, "admin", "uncordon", "--node", name(drained), "--yes", "--reason", "test")

	// So is one that is lost for good: its session ends, and another node gets the replica.
	lost := r.GetHolders()[1]
	w.lab.Node(int(lost)).Kill()
	rest := slices.DeleteFunc(slices.Clone(all), func(id int) bool { return uint64(id) == lost })
	w.held(1, "another node holds the chain in place of the lost one", func(r *meshosv1.ReplicaView) bool {
		return three(r) && !slices.Contains(r.GetHolders(), lost)
	}, rest...)

	w.eventually(rest[0], "chain", "delete", "orders", "--yes", "--reason", "test")
	for _, id := range rest {
		w.until(id, "holds nothing of a chain that was deleted", func(s *meshosv1.Snapshot) bool {
			return !slices.ContainsFunc(s.GetReplicas(), func(r *meshosv1.ReplicaView) bool { return len(r.GetHolders()) > 0 })
		})
	}
}

func name(id uint64) string { return []string{"", "1", "2", "3", "4"}[id] }
