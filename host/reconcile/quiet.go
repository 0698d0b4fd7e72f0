package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// quiet are the subjects that are decided anew only because they are in the slice of this tick,
// with what stood of them.
type quiet struct {
	subjects []subject
	stood    [][]*one
}

// note notes the subjects of a slice that nothing touched.
func (q *quiet) note(st *standing, touched state.Touched, slice state.Slice) {
	q.subjects, q.stood = q.subjects[:0], q.stood[:0]
	noteQuiet(q, st, aboutDaemon, touched.Daemons, slice.Daemons)
	noteQuiet(q, st, aboutChain, touched.Chains, slice.Chains)
	noteQuiet(q, st, aboutPeer, touched.Peers, slice.Peers)
}

func noteQuiet[K ~uint64](q *quiet, st *standing, kind subjectKind, touched marks.Touched[K], slice []K) {
	if touched.All {
		return
	}
	for _, id := range slice {
		if _, was := slices.BinarySearch(touched.IDs, id); !was {
			about := subject{kind, uint64(id)}
			q.subjects = append(q.subjects, about)
			q.stood = append(q.stood, st.of[about])
		}
	}
}

// compare records the subjects of which something else stands now.
func (q *quiet) compare(s *state.State, st *standing) {
	for i, about := range q.subjects {
		before, now := q.stood[i], st.of[about]
		if !slices.EqualFunc(before, now, func(a, b *one) bool { return sameWant(a.want, b.want) }) {
			s.Missed(about.String(), fmt.Sprintf("%s was wanted of it; decided anew, it is %s", inWords(before), inWords(now)))
		}
	}
}

// sameWant reports whether two wants are the same.
func sameWant(a, b want) bool {
	if a.arm != b.arm || a.even != b.even || (a.rebalance == nil) != (b.rebalance == nil) || a.rebalance != nil && *a.rebalance != *b.rebalance {
		return false
	}
	x, placement := a.action.(mesh.RequestPlacement)
	if !placement {
		return a.action == b.action
	}
	y, placement := b.action.(mesh.RequestPlacement)
	return placement && x.Chain == y.Chain && x.Target == y.Target
}

func (about subject) String() string {
	return fmt.Sprintf("%s %d", [...]string{"daemon", "chain", "peer", "node"}[about.kind], about.id)
}

func inWords(ws []*one) string {
	if len(ws) == 0 {
		return "nothing"
	}
	var out []string
	for _, w := range ws {
		out = append(out, fmt.Sprintf("%s %+v", w.key.Kind, w.action))
	}
	return strings.Join(out, " and ")
}
