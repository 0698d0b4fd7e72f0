package state

import (
	"iter"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// Avoided is one entry of the avoid list.
type Avoided struct {
	Reason string
	Until  mesh.Time
	Probed bool // because of what probes measured: it ends early once the peer is well
}

type avoided struct {
	marks.Set
	Avoided
}

// AvoidList yields the entries of the avoid list, by peer.
func (s *State) AvoidList() iter.Seq2[mesh.NodeID, Avoided] {
	return func(yield func(mesh.NodeID, Avoided) bool) {
		for id, a := range s.avoid.all() {
			if !yield(id, a.Avoided) {
				return
			}
		}
	}
}

// Avoided returns the entry of a peer on the avoid list; ok is false if there is none.
func (s *State) Avoided(n mesh.NodeID) (a Avoided, ok bool) {
	if e := s.avoid.get(n); e != nil {
		return e.Avoided, true
	}
	return Avoided{}, false
}

// Avoids reports whether a peer is on the avoid list.
func (s *State) Avoids(n mesh.NodeID) bool { return s.avoid.get(n) != nil }

func (s *State) avoidPeer(a mesh.MarkAvoid) {
	until := s.now.Add(a.TTL)
	s.avoid.ensure(a.Peer).Avoided = Avoided{Reason: a.Reason, Until: until, Probed: a.Probed}
	s.dueAt(until, dueAvoided, uint64(a.Peer))
}

func (s *State) clearAvoidList() { s.avoid.clear() }

func (s *State) flushAvoidLists(ev mesh.FlushAvoidLists) {
	switch {
	case ev.Global, ev.Local == s.node && ev.Local != 0:
		s.clearAvoidList()
	case ev.OnPeer != 0:
		s.avoid.remove(ev.OnPeer)
	}
}
