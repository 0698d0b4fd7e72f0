package answers

import (
	"math/rand/v2"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// In whichever order an answer names them, its subjects are those of a plain set.
func TestSubjectsAreTheFirstOfEachKnownPeer(t *testing.T) {
	const self, highest = 50, 200
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		known := map[uint64]bool{}
		var list []*pluginv1.Peer
		for range random.IntN(150) {
			id := random.Uint64N(highest)
			list = append(list, &pluginv1.Peer{Id: id}) // in any order, some twice, perhaps this node
			known[id] = id != self
		}
		var bad Discarded
		subjects, seen := newSubjects(NewPeers(self, list)), map[uint64]bool{}
		var twice, unknown, mine uint64
		take := func(id uint64) {
			want := known[id] && !seen[id]
			switch {
			case id == self:
				mine++
			case !known[id]:
				unknown++
			case seen[id]:
				twice++
			}
			seen[id] = true
			if got := subjects.take(mesh.NodeID(id), &bad); got != want {
				t.Fatalf("seed %d: peer %d taken %v, want %v", seed, id, got, want)
			}
		}
		for id := range uint64(highest) { // sorted, as most answers are
			if random.IntN(3) > 0 {
				take(id)
			}
		}
		for range 100 {
			take(random.Uint64N(highest + 10))
		}
		for reason, want := range map[string]uint64{"peer twice in an answer": twice, "unknown peer": unknown, "sample for this node": mine} {
			var got uint64
			if c := bad.byReason[reason]; c != nil {
				got = c.n
			}
			if got != want {
				t.Errorf("seed %d: %q %d times, want %d", seed, reason, got, want)
			}
		}
	}
}
