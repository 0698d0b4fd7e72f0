package main

import (
	"crypto/sha256"
	"errors"
	"fmt"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// members is who belongs to the mesh, as the host said it last. It is not changed any more.
type members struct {
	byKey  map[linkKey]member
	byID   map[uint64]member
	pinned map[[sha256.Size]byte]bool // seeds that count while there are no members
	found  bool
	chains map[uint64]*meshosv1.SetChain // by id, also deleted ones

	dropThrough uint64 // the host needs no entry up to this height any more
	first       uint64 // of its record
}

type member struct {
	id    uint64
	name  string
	key   linkKey
	seed  bool
	holds bool // chains, although it is no seed
}

func newMembers(req *pluginv1.SetMembersRequest) (*members, error) {
	m := &members{
		byKey: map[linkKey]member{}, byID: map[uint64]member{}, pinned: map[[sha256.Size]byte]bool{}, found: req.GetFound(), chains: map[uint64]*meshosv1.SetChain{},
		dropThrough: req.GetDropThrough(), first: req.GetFirst(),
	}
	for _, from := range req.GetMembers() {
		if len(from.GetLinkKey()) != len(linkKey{}) {
			return nil, fmt.Errorf("member %d: the link key has %d bytes, not %d", from.GetId(), len(from.GetLinkKey()), len(linkKey{}))
		}
		one := member{id: from.GetId(), name: from.GetName(), key: linkKey(from.GetLinkKey()), seed: from.GetSeed(), holds: from.GetChains()}
		if one.id == 0 {
			return nil, errors.New("a member has the id 0")
		}
		m.byID[one.id] = one
		m.byKey[one.key] = one
	}
	for _, c := range req.GetChains() {
		m.chains[c.GetChain()] = c
	}
	for _, hash := range req.GetPinnedSeeds() {
		if len(hash) != sha256.Size {
			return nil, fmt.Errorf("a pinned seed has a hash of %d bytes, not %d", len(hash), sha256.Size)
		}
		if len(m.byID) == 0 {
			m.pinned[[sha256.Size]byte(hash)] = true
		}
	}
	return m, nil
}

// isSeed reports whether this node links with a seed of that key.
func (m *members) isSeed(key linkKey) bool {
	return m.byKey[key].seed || m.pinned[key.hash()]
}

// routed reports whether a member belongs to the cluster of servers: as a seed, or to hold chains.
func (one member) routed() bool { return one.seed || one.holds }

// routedKeys returns the keys of all members that belong to the cluster.
func (m *members) routedKeys() []linkKey {
	var out []linkKey
	for key, one := range m.byKey {
		if one.routed() {
			out = append(out, key)
		}
	}
	return out
}

// nameOf returns a member as people know it: "node 4 (delta)".
func (m *members) nameOf(id uint64) string {
	if name := m.byID[id].name; name != "" {
		return fmt.Sprintf("node %d (%s)", id, name)
	}
	return fmt.Sprintf("node %d", id)
}
