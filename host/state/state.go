package state

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Bounds of the rings of records.
const (
	AuditRing   = 256
	LogRing     = 2048
	FailureRing = 256
	ActionRing  = 1024
)

// State is what a node knows and what should be. See the package comment for who
// may touch it.
type State struct {
	node   mesh.NodeID
	epoch  uint64
	policy Policy

	operators     bool
	allowUnsigned bool

	now  mesh.Time // At of the input being folded
	wall time.Time // Wall of it
	tick uint64    // passes begun

	daemons table[mesh.DaemonID, daemon]
	chains  table[mesh.ChainID, chain]
	peers   table[mesh.NodeID, peer]
	blobs   table[mesh.BlobID, blob]
	avoid   table[mesh.NodeID, Avoided]

	rebalances table[mesh.ChainID, Rebalance]
	scores     scoreTable

	// Chains of which some holder was lost and is back.
	returning []mesh.ChainID
	// What may have become empty, for a tick to forget.
	emptiedChains []emptiedChain
	emptiedBlobs  []mesh.BlobID

	local        maintenance
	freezeUntil  mesh.Time
	frozen       bool
	forced       []ForcedOrder
	configured   mesh.Configured
	migrations   []mesh.Migration
	migrationsAt mesh.Time // when they were told

	ledger  ledger
	records records
	emitted ring[mesh.Emitted]
}

// Boot is what a State begins with.
type Boot struct {
	At       mesh.Stamp
	Node     mesh.NodeID
	NodeName string
	Epoch    uint64
	Policy   Policy
	Desired  mesh.Configured

	// Operators says that operator keys are configured, so unsigned admin events
	// are rejected unless AllowUnsigned.
	Operators     bool
	AllowUnsigned bool

	// FreezeRemaining is what is left of a freeze from before the restart.
	FreezeRemaining time.Duration
}

// New gives the state of a node that has heard nothing yet. The intents of the
// configuration hold from here on.
func New(b Boot) *State {
	s := &State{
		node:          b.Node,
		epoch:         b.Epoch,
		policy:        b.Policy,
		operators:     b.Operators,
		allowUnsigned: b.AllowUnsigned,
		now:           b.At.At,
		wall:          b.At.Wall,
		daemons:       newTable[mesh.DaemonID, daemon](),
		chains:        newTable[mesh.ChainID, chain](),
		peers:         newTable[mesh.NodeID, peer](),
		blobs:         newTable[mesh.BlobID, blob](),
		avoid:         newTable[mesh.NodeID, Avoided](),
		rebalances:    newTable[mesh.ChainID, Rebalance](),
		local:         maintenance{phase: mesh.PhaseActive, name: b.NodeName},
		ledger:        newLedger(),
		records:       newRecords(),
		emitted:       newRing[mesh.Emitted](max(1, b.Policy.ActionQueue)),
	}
	s.configure(b.Desired)
	if b.FreezeRemaining > 0 {
		s.freeze(b.FreezeRemaining)
	}
	return s
}

// Node is this node.
func (s *State) Node() mesh.NodeID { return s.node }

// NodeName is the label of this node.
func (s *State) NodeName() string { return s.local.name }

// Epoch is the random number of this process; it pairs with every seq.
func (s *State) Epoch() uint64 { return s.epoch }

// Policy holds the thresholds in force.
func (s *State) Policy() Policy { return s.policy }

// Now is the At of the input folded last.
func (s *State) Now() mesh.Time { return s.now }

// Passes says how many reconcile passes were begun.
func (s *State) Passes() uint64 { return s.tick }

// Frozen says whether acting is frozen now, and for how long still.
func (s *State) Frozen() (remaining time.Duration, frozen bool) {
	if !s.frozen || s.now >= s.freezeUntil {
		return 0, false
	}
	return s.freezeUntil.Sub(s.now), true
}

// Emitted lists the actions handed out last, oldest first. It must not be
// written to.
func (s *State) Emitted() []mesh.Emitted { return s.emitted.view() }
