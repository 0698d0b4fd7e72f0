package mesh

import "time"

// Input is one thing the core takes in. Everything the core decides from is an
// Input with its Stamp, so the same stamped inputs give the same decisions. An
// Event is one kind of input; Tick is not here, since it is what makes the core
// decide (reconcile.Pass). The set is closed.
type Input interface{ isInput() }

// Heard is an event as an input.
type Heard struct{ Event Event }

// Samples is what one probe answered in one poll, or (Err not empty) why it did
// not. A Probe that reports several axes answers once for each.
type Samples struct {
	Probe     string
	RTT       []RTTSample
	Health    []HealthSample
	Inventory []Inventory
	Err       string
}

// Inventory is what a probe knows of one node. A nil field is unknown, not zero.
type Inventory struct {
	Node            NodeID
	CPULoad1m       *float64
	MemUsedBytes    *uint64
	MemTotalBytes   *uint64
	DiskUsedBytes   *uint64
	DiskTotalBytes  *uint64
	SaturationTrend *float32 // -1 falling … 1 rising
	Capabilities    []string // sorted, unique
	SoftwareVersion *string
	ForkedFrom      *NodeID
}

// Outcome says how an action ended, or (not Final) how it stands: with a Reason, a
// try failed and is repeated; without one, it waits for its turn or was just begun.
type Outcome struct {
	ID     ActionID
	OK     bool
	Reason string
	Final  bool

	// What follows is for records alone; nothing may be decided from it.

	// Gated says that a closed gate kept the action from being tried at all.
	Gated bool
	// RetryAfter is how long it is until the next try, or until the gate opens; 0 if
	// there is none or nobody knows.
	RetryAfter time.Duration
}

// ReasonNotWanted is the Reason of an Outcome for an action whose reason was gone
// when its turn came: it was withdrawn, nothing went wrong.
const ReasonNotWanted = "no longer wanted"

// Migrations replaces the list of migrations under way.
type Migrations struct{ InFlight []Migration }

// MigrationPhase is how far a migration is.
type MigrationPhase uint8

// The phases of a migration, in order.
const (
	MigrationUnknown MigrationPhase = iota
	MigrationSnapshot
	MigrationTransfer
	MigrationRestore
	MigrationReplay
	MigrationCutover
	MigrationComplete
)

// Migration is one migration under way, as its source describes it.
type Migration struct {
	ID              MigrationID
	Phase           MigrationPhase
	Source, Target  NodeID
	Elapsed         time.Duration
	InPhase         time.Duration
	SnapshotBytes   *uint64
	Retries         uint32
	ProgressPercent *uint32
	BufferedEvents  uint32
}

// Scores is one answer of the placement scorer, for the chains this node leads.
type Scores struct {
	ViewVersion uint64 // the pass whose view was scored
	Chains      []ChainScore
}

// ChainScore is what the scorer thinks of one chain. A score or cost that is not
// finite is no opinion.
type ChainScore struct {
	Chain   ChainID
	Holders []NodeScore
	Best    *NodeScore     // the best node that does not hold it; nil for none
	Cost    *MigrationCost // of moving to Best; nil for none known
}

// NodeScore says how well a node suits a chain, 0 worst … 1 best.
type NodeScore struct {
	Node  NodeID
	Score float32
}

// MigrationCost is what moving a replica costs.
type MigrationCost struct {
	StateTransfer time.Duration
	Disruption    time.Duration
	Reliability   float32 // 1 normal; more makes the move dearer
}

// JudgedCommit is a signed command with the verdict it got outside the core.
type JudgedCommit struct {
	Event     AdminEvent
	Operators []Operator
	Outcome   Verification
	CommitID  []byte    // SHA-256 of the signed payload
	Envelope  *Envelope // of an accepted one, so that its signatures can be checked later
}

// Acknowledged says that every appender of a chain of records holds those of
// this epoch up to and including a seq.
type Acknowledged struct {
	Chain   RecordChain
	Through uint64
}

// FailureReport is a failure that somebody outside the core saw.
type FailureReport struct {
	Source string
	Reason string
}

// SignerChange is what changed in the file of the operators' keys when it was read
// again. It changes nothing of the state, and is audited.
type SignerChange struct {
	Name     string // the principal
	Old, New string // fingerprints of the key that went and of the one that came; "" for none
	Text     string // in words
}

// Reload replaces what the configuration says of peers, chains and daemons.
type Reload struct{ Desired Configured }

// Configured is what a configuration file says should be.
type Configured struct {
	Peers   []ConfiguredPeer
	Chains  []ConfiguredChain
	Daemons []ConfiguredDaemon
}

// ConfiguredPeer is a peer that the configuration names.
type ConfiguredPeer struct {
	ID   NodeID
	Name string
}

// ConfiguredChain is a chain that the configuration names.
type ConfiguredChain struct {
	ID       ChainID
	Replicas *uint32    // nil: no wish
	Hold     HoldIntent // HoldNone: no wish
}

// ConfiguredDaemon is a daemon that the configuration names.
type ConfiguredDaemon struct {
	Daemon    DaemonRef
	Run       bool
	Essential bool
	Node      NodeID // 0: not pinned
}

func (Heard) isInput()         {}
func (Samples) isInput()       {}
func (Outcome) isInput()       {}
func (Migrations) isInput()    {}
func (Scores) isInput()        {}
func (JudgedCommit) isInput()  {}
func (Acknowledged) isInput()  {}
func (FailureReport) isInput() {}
func (SignerChange) isInput()  {}
func (Reload) isInput()        {}
