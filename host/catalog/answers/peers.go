package answers

import (
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Peers is the set of nodes that samples may be about. It never changes.
type Peers struct {
	self mesh.NodeID
	ids  map[mesh.NodeID]struct{}
}

// NewPeers returns the set of peers that node self has.
func NewPeers(self mesh.NodeID, peers []*pluginv1.Peer) *Peers {
	p := &Peers{self: self, ids: make(map[mesh.NodeID]struct{}, len(peers))}
	for _, peer := range peers {
		p.ids[mesh.NodeID(peer.GetId())] = struct{}{}
	}
	delete(p.ids, self)
	return p
}

// has reports whether a node is a peer. This node is not.
func (p *Peers) has(id mesh.NodeID) bool {
	_, ok := p.ids[id]
	return ok
}

// may reports whether a plugin may measure a node: it has to be a peer. It counts what is
// said of another one as discarded.
func (p *Peers) may(node mesh.NodeID, bad *Discarded) bool {
	switch {
	case node == p.self:
		bad.Add("sample for this node", "peer %d", node)
	case !p.has(node):
		bad.Add("unknown peer", "peer %d", node)
	default:
		return true
	}
	return false
}

// subjects collects the nodes that one answer has samples of.
type subjects struct {
	peers *Peers
	seen  map[mesh.NodeID]struct{}
}

func newSubjects(peers *Peers, size int) *subjects {
	return &subjects{peers, make(map[mesh.NodeID]struct{}, size)}
}

// take reports whether a sample of this node counts: the node has to be a peer, and the
// first of several samples counts. It counts the others as discarded.
func (s *subjects) take(node mesh.NodeID, bad *Discarded) bool {
	return s.peers.may(node, bad) && s.first(node, bad)
}

// first reports whether the answer has no sample of this node yet.
func (s *subjects) first(node mesh.NodeID, bad *Discarded) bool {
	if _, twice := s.seen[node]; twice {
		bad.Add("peer twice in an answer", "peer %d", node)
		return false
	}
	s.seen[node] = struct{}{}
	return true
}
