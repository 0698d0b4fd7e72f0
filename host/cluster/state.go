package cluster

import (
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
)

// MaxSkew is how far the clock of the host that orders an entry and that of the log may differ,
// and how far in the future of the log a command may have been issued.
const MaxSkew = 30 * time.Second

// State is what the log leads to up to a height. It belongs to one goroutine.
type State struct {
	height   uint64
	head     Hash
	at       time.Time // log time: that of the newest entry that is not void
	founding Hash

	policy  rules.Policy
	signers signerSet
	members map[mesh.NodeID]mesh.AdmitNode
	gone    map[mesh.NodeID]bool // expelled: ids that are not given again
	tokens  map[mesh.NodeID]mesh.AdmitNode

	nonces      map[rules.Nonce]time.Time // of commands that are still fresh, and when these were issued
	cooldowns   map[rules.Bucket]time.Time
	frozenUntil time.Time // zero if there is no freeze
	orders      map[subject]order

	marks        []Mark // ascending
	checkpoint   Mark
	checkpointAt uint64 // height of its entry
	recovered    Recovered

	foundingChains uint32 // entries that the first one announced and that are still to come

	sum Hash // of the state at the height; zero until it is asked for
}

// signerSet is who may command the mesh.
type signerSet struct {
	command mesh.SetSigners
	set     *signers.Set // nil: the mesh has no operators
	height  uint64       // of the entry that set it
}

// New returns the state before the first entry.
func New() *State {
	return &State{
		policy:  rules.Policy{FutureSkew: MaxSkew},
		members: map[mesh.NodeID]mesh.AdmitNode{}, gone: map[mesh.NodeID]bool{}, tokens: map[mesh.NodeID]mesh.AdmitNode{},
		nonces: map[rules.Nonce]time.Time{}, cooldowns: map[rules.Bucket]time.Time{}, orders: map[subject]order{},
	}
}

// Height returns the height of the last entry that was folded; 0 for none.
func (s *State) Height() uint64 { return s.height }

// Head returns the hash of that entry.
func (s *State) Head() Hash { return s.head }

// Time returns the log time.
func (s *State) Time() time.Time { return s.at }

// Founding returns the hash of the first entry, which names the mesh.
func (s *State) Founding() Hash { return s.founding }

// Cluster returns the id of the cluster, for which commands are signed.
func (s *State) Cluster() string { return s.policy.Cluster }

// Policy returns by which rules commits are judged.
func (s *State) Policy() rules.Policy { return s.policy }

// Signers returns who may command the mesh, the command that says so and the height of its
// entry. The set is nil if the mesh has no operators.
func (s *State) Signers() (*signers.Set, mesh.SetSigners, uint64) {
	return s.signers.set, s.signers.command, s.signers.height
}

// Members returns who belongs to the mesh, by id.
func (s *State) Members() []mesh.AdmitNode { return byID(s.members) }

// Member returns a member.
func (s *State) Member(id mesh.NodeID) (mesh.AdmitNode, bool) {
	m, is := s.members[id]
	return m, is
}

// Tokens returns the open tokens, by id.
func (s *State) Tokens() []mesh.AdmitNode { return byID(s.tokens) }

// FrozenUntil returns until when the mesh is frozen, in log time; zero if it is not.
func (s *State) FrozenUntil() time.Time { return s.frozenUntil }

// NextID returns the lowest id above all that the log has given so far.
func (s *State) NextID() mesh.NodeID {
	next := mesh.NodeID(1)
	for _, ids := range [][]mesh.NodeID{
		slices.Collect(maps.Keys(s.members)), slices.Collect(maps.Keys(s.tokens)), slices.Collect(maps.Keys(s.gone)),
	} {
		for _, id := range ids {
			next = max(next, id+1)
		}
	}
	return next
}

func byID(in map[mesh.NodeID]mesh.AdmitNode) []mesh.AdmitNode {
	out := make([]mesh.AdmitNode, 0, len(in))
	for _, id := range slices.Sorted(maps.Keys(in)) {
		out = append(out, in[id])
	}
	return out
}

// advance moves the log time on and forgets what is over then: nonces of commands that are too
// old anyway, cooldowns, tokens and the freeze.
func (s *State) advance(at time.Time) {
	s.at = at
	ms := at.Truncate(time.Millisecond)
	maps.DeleteFunc(s.nonces, func(_ rules.Nonce, issued time.Time) bool { return ms.Sub(issued) > s.policy.Freshness })
	maps.DeleteFunc(s.cooldowns, func(_ rules.Bucket, until time.Time) bool { return !until.After(ms) })
	maps.DeleteFunc(s.tokens, func(_ mesh.NodeID, t mesh.AdmitNode) bool { return at.After(t.Expires) })
	if !s.frozenUntil.After(at) {
		s.frozenUntil = time.Time{}
	}
}
