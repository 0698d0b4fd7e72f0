package reconcile

import (
	"cmp"
	"iter"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// subject is what a want is about.
type subject struct {
	kind subjectKind
	id   uint64
}

type subjectKind uint8

const (
	aboutDaemon subjectKind = iota
	aboutChain
	aboutPeer
	aboutNode // this node's maintenance, which each pass decides about
)

func subjectOf(key mesh.ActionKey) subject {
	switch key.Kind {
	case mesh.KindMarkAvoid:
		return subject{aboutPeer, key.Subject}
	case mesh.KindCommitTransition:
		return subject{aboutNode, key.Subject}
	case mesh.KindPullReplica, mesh.KindDropReplica, mesh.KindRequestPlacement, mesh.KindRequestEviction, mesh.KindTransferLeader:
		return subject{aboutChain, key.Subject}
	}
	return subject{aboutDaemon, key.Subject}
}

// standing are the wants that stand: of each subject what was decided about it last.
type standing struct {
	node mesh.NodeID
	of   map[subject][]*one
	new  []*one // decided by this pass, in order
	late []*one // found no room in an earlier pass, in order; some may be gone
}

// one is a want that stands.
type one struct {
	want
	key  mesh.ActionKey
	gone bool // its subject was decided anew
	late bool // it found no room, and might have been handed out
}

func newStanding(node mesh.NodeID) standing {
	return standing{node: node, of: make(map[subject][]*one)}
}

// replace replaces what stands of the subjects of a scope by new wants. It appends to keys those
// of the wants that are gone.
func (st *standing) replace(sc *scope, wants []want, keys []mesh.ActionKey) []mesh.ActionKey {
	for _, w := range st.drop(sc) {
		keys = append(keys, w.key)
	}
	st.new = st.new[:0]
	for _, w := range wants {
		o := &one{want: w, key: w.action.Key()}
		about := subjectOf(o.key)
		st.of[about] = append(st.of[about], o)
		st.new = append(st.new, o)
	}
	return keys
}

// drop drops what stands of the subjects of a scope, and returns it.
func (st *standing) drop(sc *scope) (gone []*one) {
	if len(st.of) == 0 {
		return nil
	}
	drop := func(about subject) {
		for _, w := range st.of[about] {
			w.gone = true
			gone = append(gone, w)
		}
		delete(st.of, about)
	}
	if sc.allDaemons || sc.allChains || sc.allPeers {
		for about := range st.of {
			if about.kind == aboutDaemon && sc.allDaemons || about.kind == aboutChain && sc.allChains ||
				about.kind == aboutPeer && sc.allPeers {
				drop(about)
			}
		}
	}
	drop(subject{aboutNode, uint64(st.node)})
	for _, id := range sc.daemons {
		drop(subject{aboutDaemon, uint64(id)})
	}
	for _, id := range sc.chains {
		drop(subject{aboutChain, uint64(id)})
	}
	for _, id := range sc.peers {
		drop(subject{aboutPeer, uint64(id)})
	}
	return gone
}

// inOrder yields the wants that may be handed out now, unless the ledger says otherwise.
func (st *standing) inOrder() iter.Seq[*one] {
	return func(yield func(*one) bool) {
		late := slices.DeleteFunc(st.late, func(w *one) bool { return w.gone })
		for _, w := range st.new {
			for len(late) > 0 && late[0].before(w) {
				if !yield(late[0]) {
					return
				}
				late = late[1:]
			}
			if !yield(w) {
				return
			}
		}
		for _, w := range late {
			if !yield(w) {
				return
			}
		}
	}
}

// before orders wants by arm and then by subject. Those of forced orders come in the order of
// the orders; they are decided anew by each pass, so that none is ever late.
func (w *one) before(other *one) bool {
	return cmp.Or(cmp.Compare(w.arm, other.arm), cmp.Compare(w.key.Subject, other.key.Subject)) < 0
}

// wants reports whether an action of a key is wanted.
func (st *standing) wants(key mesh.ActionKey) bool {
	return slices.ContainsFunc(st.of[subjectOf(key)], func(w *one) bool { return w.key == key })
}

// unmet returns a function that reports whether a peer is to be avoided and that could not be
// handed out.
func (st *standing) unmet(s *state.State) func(mesh.NodeID) bool {
	return func(n mesh.NodeID) bool {
		key := mesh.MarkAvoid{Peer: n}.Key()
		return st.wants(key) && !s.Outstanding(key)
	}
}
