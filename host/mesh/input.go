package mesh

import "time"

// Input is one thing that the core decides from. It comes with its Stamp, and there is
// nothing else that the core decides from, so the same stamped inputs lead to the same
// decisions. A tick is not an Input: it makes the core decide (reconcile.Pass). The set
// is closed.
type Input interface{ isInput() }

// Heard is the input that carries an event.
type Heard struct {
	Event   Event
	Ordered *Place // of an order that is in the ordered log; nil for everything else
}

// Place is where an order stands in the ordered log. It is zero for what is not in the log.
type Place struct {
	Height uint64    // 1, 2, 3 …
	At     time.Time // when the log took it; windows that the order opens begin then
	Mesh   bool      // the log is the one of the mesh, not the node's own
}

// Samples is the answer of one probe in one poll, or (Err not empty) why there is none.
// A plugin that serves several kinds of probes answers once for each kind.
type Samples struct {
	Probe     string
	RTT       []RTTSample
	Health    []HealthSample
	Inventory []Inventory
	Err       string

	// RTTComplete and HealthComplete mean that the answer has everything of that kind that
	// the probe knows: what it said earlier of a peer that is not in it is no longer true.
	// InventoryComplete means the same of each fact.
	RTTComplete, HealthComplete, InventoryComplete bool
}

// RTTAnswer is what a probe says of round-trip times in one poll.
type RTTAnswer struct {
	Samples  []RTTSample
	Complete bool // as Samples.RTTComplete
}

// HealthAnswer is what a probe says of the health of peers in one poll.
type HealthAnswer struct {
	Samples  []HealthSample
	Complete bool // as Samples.HealthComplete
}

// InventoryAnswer is what a probe says of nodes in one poll.
type InventoryAnswer struct {
	Samples  []Inventory
	Complete bool // as Samples.InventoryComplete
}

// Outcome reports how an action ended or, if it is not Final, how it is going: with a
// Reason, a try failed and will be repeated; without one, the action waits for its turn
// or was just begun.
type Outcome struct {
	ID     ActionID
	OK     bool
	Reason string
	Final  bool

	// The following fields go into records. Nothing may be decided from them.

	// Gated means that a closed gate kept the action from being tried at all.
	Gated bool
	// RetryAfter is the time until the next try, or until the gate opens. It is 0 if
	// there is none or if it is not known.
	RetryAfter time.Duration
}

// ReasonNotWanted is the Reason of an Outcome for an action that was not needed any more
// when its turn came. The action was withdrawn and nothing went wrong.
const ReasonNotWanted = "no longer wanted"

// Migrations replaces the list of migrations under way, as one source says.
type Migrations struct {
	Source   string // of several; "" is one as well
	InFlight []Migration
}

// MigrationPhase is how far a migration has come.
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

// Migration is one migration under way, as a migration source describes it.
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
	Chain           ChainID // whose replica moves; 0: of none, or not known
	DoneBytes       *uint64 // of SnapshotBytes, that the target has
	Left            *time.Duration
}

// Scores is one answer of the placement scorer, for the chains this node leads: the whole
// table, or the changes to the one before. Who gets it may keep it, and nobody writes to it.
type Scores struct {
	ViewVersion uint64 // number of the pass whose view was scored
	Chains      []ChainScore
	Changes     bool      // chains that it does not name keep their scores
	Unscored    []ChainID // with Changes: chains that have no scores any more
}

// ChainScore holds the scores for one chain. A score or cost that is not finite counts
// as if it were not there.
type ChainScore struct {
	Chain   ChainID
	Holders []NodeScore
	Best    *NodeScore     // the best node that does not hold it; nil for none
	Cost    *MigrationCost // of moving to Best; nil if it is not known
}

// NodeScore is how well a node suits a chain, from 0 (worst) to 1 (best).
type NodeScore struct {
	Node  NodeID
	Score float32
}

// MigrationCost is what moving a replica costs.
type MigrationCost struct {
	StateTransfer time.Duration
	Disruption    time.Duration
	Reliability   float32 // a factor: 1 is normal, more makes the move cost more
}

// JudgedCommit is a signed command with its verdict: signatures are checked outside the
// core.
type JudgedCommit struct {
	Event     AdminEvent
	Operators []Operator
	Outcome   Verification
	CommitID  []byte    // SHA-256 of the signed payload
	Reason    string    // why the command was given
	Envelope  *Envelope // of an accepted command, so that its signatures can be checked later
	Ordered   Place     // of a command that is in the ordered log
	Late      bool      // it does something once and came too late for that: it is recorded and not carried out
	// Restored says that what it led to was restored from the record of the mesh, and that the process
	// before left no audit record of it: one is made, and nothing else.
	Restored bool
	Refusal  *Refusal // set if only a record is to be made; then Event may be nil
}

// Acknowledged reports that every appender of a record chain has stored the records of
// this epoch up to and including number Through.
type Acknowledged struct {
	Chain   RecordChain
	Through uint64
}

// FailureReport is a failure that happened outside the core.
type FailureReport struct {
	Source string
	Reason string
}

// SignerChange is one change that was found in the file of the operators' keys when it
// was read again. It is audited and changes nothing else.
type SignerChange struct {
	Name     string // the principal
	Old, New string // fingerprints of the key that is gone and of the new one; "" for none
	Text     string // the change in words
}

// Reload replaces the peers, chains and daemons of the configuration.
type Reload struct{ Desired Configured }

// Configured holds the peers, chains and daemons of a configuration.
type Configured struct {
	Labels  []Label // of this node, sorted by key
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
	Replicas *uint32 // how many there should be; nil if that is not configured
	Hold     HoldIntent
	// Spread is the label over whose values holders are spread where no scorer says better; ""
	// for none.
	Spread string
}

// ConfiguredDaemon is a daemon that the configuration names.
type ConfiguredDaemon struct {
	Daemon    DaemonRef
	Run       bool
	Essential bool
	Node      NodeID // the only node it may run on; 0 for any
	Checked   bool   // its health is checked
	// Config is a hash of what its process is started with. A process that was started with
	// another one is outdated.
	Config string
	// StopGrace is how long it has from being asked to end to being killed; 0 for the
	// policy's.
	StopGrace time.Duration
	Restart   RestartMode
	Gate      RestartValues
	// Reloadable means that the configuration says how it is asked to reload.
	Reloadable bool
	// RestartUnhealthy means that it is restarted when it is unhealthy.
	RestartUnhealthy bool
	// After are the daemons that are started before it, and stopped after it. Requires are
	// those without which it does not run; they count as After too.
	After, Requires []DaemonID
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
