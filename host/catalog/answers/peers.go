package answers

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Peers is the set of nodes that samples may be about. It never changes.
type Peers struct {
	self mesh.NodeID
	ids  []mesh.NodeID // sorted, without self
}

// NewPeers returns the set of peers that node self has.
func NewPeers(self mesh.NodeID, peers []*pluginv1.Peer) *Peers {
	ids := make([]mesh.NodeID, 0, len(peers))
	for _, peer := range peers {
		if id := mesh.NodeID(peer.GetId()); id != self {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return &Peers{self: self, ids: slices.Clip(slices.Compact(ids))}
}

// may reports whether a plugin may measure a node: it has to be a peer. It counts what is
// said of another one as discarded.
func (p *Peers) may(node mesh.NodeID, bad *Discarded) bool {
	_, ok := p.place(node, 0, bad)
	return ok
}

// place is may, and returns the place of the peer. hint is where it is likely to be.
func (p *Peers) place(node mesh.NodeID, hint int, bad *Discarded) (place int, ok bool) {
	if node == p.self {
		bad.Add("sample for this node", "peer %d", node)
		return 0, false
	}
	if hint < len(p.ids) && p.ids[hint] == node {
		return hint, true
	}
	if place, ok = slices.BinarySearch(p.ids, node); !ok {
		bad.Add("unknown peer", "peer %d", node)
	}
	return place, ok
}

// subjects collects the nodes that one answer has samples of.
type subjects struct {
	peers *Peers
	seen  []uint64 // a bit for each peer, by its place
	self  bool     // there is a sample of this node
	next  int      // the place behind the last peer: most answers are sorted
}

func newSubjects(peers *Peers) *subjects {
	return &subjects{peers: peers, seen: make([]uint64, (len(peers.ids)+63)/64)}
}

// take reports whether a sample of this node counts: the node has to be a peer, and the
// first of several samples counts. It counts the others as discarded.
func (s *subjects) take(node mesh.NodeID, bad *Discarded) bool {
	at, may := s.peers.place(node, s.next, bad)
	if !may {
		return false
	}
	s.next = at + 1
	word, bit := &s.seen[at/64], uint64(1)<<(at%64)
	twice := *word&bit != 0
	*word |= bit
	return !s.again(twice, node, bad)
}

// takeSelf reports whether the answer has no sample of this node yet.
func (s *subjects) takeSelf(bad *Discarded) bool {
	twice := s.self
	s.self = true
	return !s.again(twice, s.peers.self, bad)
}

// again returns twice, and counts a second sample of a node as discarded.
func (s *subjects) again(twice bool, node mesh.NodeID, bad *Discarded) bool {
	if twice {
		bad.Add("peer twice in an answer", "peer %d", node)
	}
	return twice
}
