package state

import (
	"time"

	"github.com/meshos/meshos/host/due"
	"github.com/meshos/meshos/host/mesh"
)

// Bounds of the rings of records.
const (
	AuditRing   = 256
	LogRing     = 2048
	FailureRing = 256
	ActionRing  = 1024
)

// State is what a node knows and what should be. One goroutine owns it.
type State struct {
	node   mesh.NodeID
	epoch  uint64
	policy Policy

	operators     bool
	allowUnsigned bool

	now   mesh.Time // At of the input being folded
	wall  time.Time // Wall of it
	pass  uint64    // how many passes have begun
	ticks uint64    // how many of them are regular ticks

	daemons table[mesh.DaemonID, daemon, *daemon]
	// dependents are, by daemon, those that are started after it.
	dependents map[mesh.DaemonID][]mesh.DaemonID
	chains     table[mesh.ChainID, chain, *chain]
	peers      table[mesh.NodeID, peer, *peer]
	blobs      table[mesh.BlobID, blob, *blob]
	avoid      table[mesh.NodeID, avoided, *avoided]
	members    membership
	leading    leading
	probes     probes
	answers    uint64 // how many answers of probes were folded

	soon     []Effect // a PassSoon, which many inputs ask for; it is never written to
	due      due.Queue[thing]
	nodes    nodeFacts
	chainsOf chainsOf
	whole    wholes        // what concerns everything, as of the last tick
	slice    Slice         // of this tick
	missed   uint64        // marks that slices found missing
	reported []mesh.NodeID // peers with an RTT that came as an event and that no pass has judged

	held   uint64 // how often this node began or ceased to hold a chain
	judged uint64 // how often the echo state of a peer changed
	waits  waitList
	cut    cutOffCache

	rebalances table[mesh.ChainID, move, *move]
	scores     scoreTable

	emptiedBlobs []mesh.BlobID // may have become empty; the next tick forgets them

	local        maintenance
	height       uint64    // of the last order from the ordered log
	notOverUntil mesh.Time // no evacuation is over before; after a restart
	freezeUntil  mesh.Time
	meshHeight   uint64 // the same of the log of the mesh
	frozen       bool
	frozenHere   bool // the freeze was ordered at this node's own door
	forced       []ForcedOrder
	configured   mesh.Configured
	migrations   migrations

	ledger  ledger
	records records
	emitted ring[mesh.Emitted]
}

// Boot holds what a State begins with.
type Boot struct {
	At       mesh.Stamp
	Node     mesh.NodeID
	NodeName string
	Epoch    uint64
	Policy   Policy
	Desired  mesh.Configured

	// Operators means that operator keys are configured. Unsigned commands are then
	// rejected, unless AllowUnsigned is set.
	Operators     bool
	AllowUnsigned bool

	// FreezeRemaining is what is left of a freeze from before the restart.
	FreezeRemaining time.Duration
	// Orders are what operators ordered before the restart. What they say of a freeze does
	// not count, FreezeRemaining does.
	Orders Orders
}

// New returns the state of a node that has received no input yet. The intents of the
// configuration hold from the beginning.
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
		avoid:         newTable[mesh.NodeID, avoided](),
		rebalances:    newTable[mesh.ChainID, move](),
		members:       membership{accused: make(map[mesh.NodeID]int)},
		local:         maintenance{phase: mesh.PhaseActive, name: b.NodeName},
		probes:        newProbes(),
		soon:          []Effect{PassSoon{}},
		nodes:         newNodeFacts(),
		chainsOf:      make(chainsOf),
		ledger:        newLedger(),
		records:       newRecords(),
		emitted:       newRing[mesh.Emitted](max(1, b.Policy.ActionQueue)),
	}
	s.configure(b.Desired)
	s.restore(b.Orders)
	if b.FreezeRemaining > 0 {
		s.freeze(s.now, b.FreezeRemaining)
	}
	return s
}

// Node returns the id of this node.
func (s *State) Node() mesh.NodeID { return s.node }

// NodeName returns the name of this node.
func (s *State) NodeName() string { return s.local.name }

// Epoch returns the random number of this process. Together with it, the number of a record
// is unique over restarts.
func (s *State) Epoch() uint64 { return s.epoch }

// Sizes returns how many daemons, chains and peers the node knows.
func (s *State) Sizes() (daemons, chains, peers int) {
	return s.daemons.len(), s.chains.len(), s.peers.len()
}

// Policy returns the thresholds and windows.
func (s *State) Policy() Policy { return s.policy }

// Now returns the At of the input that was folded last.
func (s *State) Now() mesh.Time { return s.now }

// Passes returns how many passes have begun, those of early ticks too.
func (s *State) Passes() uint64 { return s.pass }

// Ticks returns how many regular ticks have begun: those that probes are asked at, and that
// whatever counts ticks counts.
func (s *State) Ticks() uint64 { return s.ticks }

// Frozen reports whether the cluster is frozen now, and returns for how long it still is.
func (s *State) Frozen() (remaining time.Duration, frozen bool) { return s.frozenAt(s.now) }

// FrozenUntil returns when the present freeze ends; frozen is false if there is none.
func (s *State) FrozenUntil() (until mesh.Time, frozen bool) {
	return s.freezeUntil, s.frozen && s.now < s.freezeUntil
}

func (s *State) frozenAt(t mesh.Time) (remaining time.Duration, frozen bool) {
	if !s.frozen || t >= s.freezeUntil {
		return 0, false
	}
	return s.freezeUntil.Sub(t), true
}

// Emitted returns the actions that were handed out last, oldest first. They must not be
// written to.
func (s *State) Emitted() []mesh.Emitted { return s.emitted.view() }
