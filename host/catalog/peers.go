package catalog

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// peerBook holds the peers that probes look at.
type peerBook struct {
	mu      sync.Mutex
	version uint64
	list    []*pluginv1.Peer
	known   *peerSet
}

// peerSet is who a sample may be about. It never changes.
type peerSet struct {
	self mesh.NodeID
	ids  map[mesh.NodeID]struct{}
}

func newPeerSet(self uint64, peers []*pluginv1.Peer) *peerSet {
	s := &peerSet{self: mesh.NodeID(self), ids: make(map[mesh.NodeID]struct{}, len(peers))}
	for _, p := range peers {
		s.ids[mesh.NodeID(p.GetId())] = struct{}{}
	}
	delete(s.ids, s.self)
	return s
}

// has says whether a node is a peer; this node is none.
func (s *peerSet) has(id mesh.NodeID) bool {
	_, ok := s.ids[id]
	return ok
}

// set replaces the peers.
func (b *peerBook) set(self uint64, peers []*pluginv1.Peer) {
	list := make([]*pluginv1.Peer, 0, len(peers))
	for _, p := range peers {
		list = append(list, proto.CloneOf(p))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	b.list, b.known = list, newPeerSet(self, list)
}

// get gives the peers with their version, which grows with every change.
func (b *peerBook) get() (uint64, []*pluginv1.Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.version, b.list
}

// set of who is known now.
func (b *peerBook) knownNow() *peerSet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known
}
