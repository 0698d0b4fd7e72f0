package state

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Known lists what the state has entries of, by id. It is for those who bound how many
// entries there are.
type Known struct {
	Peers   []mesh.NodeID
	Chains  []KnownChain
	Daemons []mesh.DaemonID
	Blobs   []KnownBlob
}

// KnownChain is a chain with the number of its holders.
type KnownChain struct {
	ID      mesh.ChainID
	Holders int
}

// KnownBlob is a blob with the number of its holders.
type KnownBlob struct {
	ID      mesh.BlobID
	Holders int
}

// Known returns all ids.
func (s *State) Known() Known {
	k := Known{
		Peers:   make([]mesh.NodeID, 0, s.peers.len()),
		Chains:  make([]KnownChain, 0, s.chains.len()),
		Daemons: make([]mesh.DaemonID, 0, s.daemons.len()),
		Blobs:   make([]KnownBlob, 0, s.blobs.len()),
	}
	for id := range s.peers.all() {
		k.Peers = append(k.Peers, id)
	}
	for id, c := range s.chains.all() {
		k.Chains = append(k.Chains, KnownChain{id, len(c.holders)})
	}
	for id := range s.daemons.all() {
		k.Daemons = append(k.Daemons, id)
	}
	for id, b := range s.blobs.all() {
		k.Blobs = append(k.Blobs, KnownBlob{id, len(b.holders)})
	}
	return k
}

// ChainHolders returns how many holders a chain has, and reports whether n is one.
func (s *State) ChainHolders(id mesh.ChainID, n mesh.NodeID) (holders int, holds bool) {
	c, _ := s.Chain(id)
	return len(c.Holders), c.HeldBy(n)
}

// BlobHolders returns how many holders a blob has, and reports whether n is one.
func (s *State) BlobHolders(id mesh.BlobID, n mesh.NodeID) (holders int, holds bool) {
	if b := s.blobs.get(id); b != nil {
		return len(b.holders), slices.Contains(b.holders, n)
	}
	return 0, false
}
