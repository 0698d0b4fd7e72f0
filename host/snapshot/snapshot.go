package snapshot

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Snapshot is a node's whole view after one reconcile pass. Lists are sorted by
// id; rings are oldest first.
type Snapshot struct {
	Node    mesh.NodeID
	Epoch   uint64 // random per process start; pairs with every seq
	Tick    uint64 // reconcile passes so far
	TakenAt time.Time

	Daemons     []Daemon
	Replicas    []Replica
	Peers       []Peer
	AvoidList   []Avoid
	Maintenance Maintenance
	Emitted     []Emitted
	Migrations  []mesh.Migration
	// FreezeRemaining is nil when there is no freeze.
	FreezeRemaining *time.Duration

	// The rings. A record is pending while its seq is above what Acknowledged
	// says of its chain.
	Audit        []mesh.AuditRecord
	Logs         []mesh.LogRecord
	Failures     []mesh.FailureRecord
	Actions      []mesh.ActionRecord // not part of the contract's Snapshot; appenders follow it
	Acknowledged AcknowledgedThrough

	Plugins []Plugin
	Stats   Stats
	// Scheduler is nil in a snapshot that nobody published.
	Scheduler *Scheduler
	Moving    int // rebalances under way; part of the contract's SchedulerView
}

// Scheduler says whether this node rebalances the chains that it leads.
type Scheduler struct {
	Active       bool
	IdleReason   string         // why not, in words
	ViewVersion  uint64         // of the last table of scores; 0 for none yet
	Age          *time.Duration // of that table; nil for none yet
	ChainsScored int            // in it, while it counts
	Moving       int            // rebalances under way
}

// AcknowledgedThrough holds, per chain of records, the seq through which every
// appender holds them.
type AcknowledgedThrough struct{ Audit, Log, Failure, Action uint64 }

// Daemon is one daemon as the node sees it.
type Daemon struct {
	Daemon     mesh.DaemonRef
	Lifecycle  Lifecycle
	Health     mesh.DaemonHealth
	Saturation float32
	Restart    Restart
	RestartIn  *time.Duration // while the restart gate is closed
	Placement  mesh.NodeID
	Age        time.Duration // in the present lifecycle
	Intent     mesh.RunIntent
}

// Lifecycle is where a daemon's process stands.
type Lifecycle = state.Lifecycle

// The lifecycles.
const (
	Stopped  = state.Stopped
	Starting = state.Starting
	Running  = state.Running
	Stopping = state.Stopping
)

// Restart is what a daemon's restart gate says.
type Restart = state.GateState

// The states of a restart gate.
const (
	RestartIdle         = state.GateIdle
	RestartBackingOff   = state.GateBackingOff
	RestartCrashLooping = state.GateCrashLooping
)

// Replica is one chain with who holds it.
type Replica struct {
	Chain   mesh.ChainID
	Holders []mesh.NodeID // ascending
	Desired *uint32
	Leader  mesh.NodeID // 0: none known
}

// Peer is one node as this one sees it. This node itself appears for its
// inventory only.
type Peer struct {
	Node        mesh.NodeID
	Name        string
	RTT         *time.Duration
	Health      mesh.NodeHealth
	Maintenance mesh.MaintenancePhase
	Cordoned    bool
	Inventory   *mesh.Inventory
}

// Avoid is one entry of the avoid list.
type Avoid struct {
	Peer   mesh.NodeID
	Reason string
	TTL    time.Duration
}

// Maintenance is where this node stands.
type Maintenance struct {
	Phase      mesh.MaintenancePhase
	Since      *time.Duration // nil while Active
	Deadline   *time.Duration // time left; nil for none
	Reason     string
	Cordoned   bool
	Draining   bool
	WaitingFor []string // "chain 7", "daemon 3 (telemetry)" …
}

// Emitted is an action that was handed out, with its age. Relative times of the
// action itself count from Now.
type Emitted struct {
	ID     mesh.ActionID
	Action mesh.Action
	Age    time.Duration
	Now    mesh.Time // the instant of the snapshot, to turn deadlines relative
}

// PluginStatus is where a plugin stands in its life.
type PluginStatus uint8

// The statuses, in the contract's order.
const (
	PluginStarting PluginStatus = iota + 1
	PluginReady
	PluginLagging
	PluginBackingOff
	PluginQuarantined
	PluginDisabled
	PluginRejected
)

// Plugin is one configured plugin as operators see it.
type Plugin struct {
	Name      string
	Version   string
	Kinds     []string
	Status    PluginStatus
	Message   string // why it is not ready, in words
	Restarts  uint64
	Calls     uint64
	Failures  uint64
	LastCall  time.Duration  // how long the last call took
	RestartIn *time.Duration // until the next try, when one is scheduled
	PID       int
	SHA256    string
}

// Stats counts since the process started.
type Stats struct {
	EventsApplied        uint64
	Ticks                uint64
	ActionsEmitted       uint64
	ActionsDropped       uint64
	Dispatched           uint64
	Failed               uint64
	Deferred             uint64
	Gated                uint64
	DispatchRetries      uint64
	BackpressureAsserts  uint64
	BackpressureReleases uint64
	AppendFailures       uint64
	LastTickTook         time.Duration // fold of samples to published snapshot
}
