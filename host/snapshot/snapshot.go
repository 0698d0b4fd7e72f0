package snapshot

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot/shared"
	"github.com/meshos/meshos/host/state"
)

// Snapshot is a node's whole view after one reconcile pass. Lists are sorted by
// id; rings are oldest first.
type Snapshot struct {
	Node    mesh.NodeID
	Epoch   uint64 // random for each start of the process; record numbers begin again with it
	Tick    uint64 // number of reconcile passes so far, those of early ticks too
	Regular uint64 // how many of them were regular ticks
	TakenAt time.Time

	// Now is the instant of TakenAt. All other instants in a snapshot are of the same clock.
	Now mesh.Time

	Daemons     Daemons
	Replicas    Replicas
	Peers       Peers
	AvoidList   AvoidList
	Maintenance Maintenance
	Emitted     []mesh.Emitted // handed out last
	Migrations  []mesh.Migration
	Frozen      Mark // until when; none if there is no freeze
	// CutOff is nil unless this node may be cut off from the others.
	CutOff *CutOff

	// The records in the rings. A record is pending while its number is above the one in
	// Acknowledged for its record chain.
	Audit        []mesh.AuditRecord
	Logs         []mesh.LogRecord
	Failures     []mesh.FailureRecord
	Actions      []mesh.ActionRecord // for appenders; not part of the contract's Snapshot
	Acknowledged AcknowledgedThrough

	// Orders are what has to outlive the process, for host/ordered; not part of the
	// contract's Snapshot.
	Orders Orders

	// What the host knows of daemons and peers beside the core, see Left, Notes and
	// HealthReason.
	Beside Beside

	Plugins []Plugin
	Stats   Stats
	// Scheduler is nil in a snapshot that was not published.
	Scheduler *Scheduler
	Held, Led int // how many chains this node holds and leads
	Moving    int // how many rebalances are under way; goes into the contract's SchedulerView
	// Info is nil in a snapshot that was not published.
	Info *Info
	// Mesh is what the host knows of its mesh, in the contract's terms; nil without one. The
	// core knows nothing of it.
	Mesh any
	// Unresolved are the host names of peers that do not resolve, sorted; added by the host.
	Unresolved []Name
}

// Name is a host name of peers.
type Name struct {
	Host      string
	Lookup    uint8 // what became of the last lookup, with the contract's values
	Reason    string
	Since     time.Time     // when it became so
	Addresses []string      // that are used
	KeptUntil time.Time     // until when they still count; the zero time for no end
	Peers     []mesh.NodeID // that have the name, ascending
}

// Info is what does not change from tick to tick.
type Info struct {
	Name      string
	Cluster   string
	Version   string        // of the node's binary
	StartedAt time.Time     // wall time
	Uptime    time.Duration // of the process, by a clock that nobody sets
	// Operators are the names of those whose keys may sign commands now, sorted.
	Operators []string
	// Unsigned is whether ordinary commands need no signature. Otherwise Ordinary and
	// BreakGlass are how many operators have to sign.
	Unsigned             bool
	Ordinary, BreakGlass int
	OrdersRefused        string // why every order is refused now; empty if none is for that
	DataUnwritable       string // why the data directory takes nothing now; empty if it does
}

// Scheduler is whether this node rebalances the chains that it leads.
type Scheduler struct {
	Active       bool
	IdleReason   string         // why it does not, in words
	ViewVersion  uint64         // of the last table of scores; 0 if there was none yet
	Age          *time.Duration // of that table; nil if there was none yet
	ChainsScored int            // how many chains that table scores, while it is recent enough
	Moving       int            // how many rebalances are under way
}

// AcknowledgedThrough holds, for each record chain, the number up to which every appender
// has stored the records.
type AcknowledgedThrough struct{ Audit, Log, Failure, Action uint64 }

// The lists of a snapshot, sorted by id. Snapshots share what did not change between them.
type (
	Daemons   = shared.Table[mesh.DaemonID, Daemon]
	Replicas  = shared.Table[mesh.ChainID, Replica]
	Peers     = shared.Table[mesh.NodeID, Peer]
	AvoidList = shared.Table[mesh.NodeID, Avoid]
)

// DaemonsOf returns a list of daemons.
func DaemonsOf(list ...Daemon) Daemons {
	return shared.Of(func(d Daemon) mesh.DaemonID { return d.Daemon.ID }, list...)
}

// ReplicasOf returns a list of chains.
func ReplicasOf(list ...Replica) Replicas {
	return shared.Of(func(r Replica) mesh.ChainID { return r.Chain }, list...)
}

// PeersOf returns a list of nodes.
func PeersOf(list ...Peer) Peers {
	return shared.Of(func(p Peer) mesh.NodeID { return p.Node }, list...)
}

// AvoidListOf returns an avoid list.
func AvoidListOf(list ...Avoid) AvoidList {
	return shared.Of(func(a Avoid) mesh.NodeID { return a.Peer }, list...)
}

// Daemon is one daemon of the node.
type Daemon struct {
	Daemon     mesh.DaemonRef
	Lifecycle  Lifecycle
	Health     mesh.DaemonHealth
	Saturation float32
	Restart    Restart
	RestartAt  Mark // when the restart gate opens; none if it is open
	Placement  mesh.NodeID
	Since      Mark // when the present lifecycle began; none for one that never ran
	Intent     mesh.RunIntent
	PID        int64  // 0 if no process runs, or if it is not known
	Restarts   uint64 // how often it was started again
	Crashes    uint32 // since it was well
	LastEnd    mesh.DaemonEnd
	NextStart  Mark    // when it is started again; none or past if that does not wait
	Outdated   bool    // it runs with another configuration than the present one
	StartError string  // why the last start failed, until one succeeds
	Rejected   string  // why its entry in the configuration can't be used
	Ordered    *Order  // the order that set Intent; nil if the configuration did
	Outcome    Outcome // of one that is not started again
	Mode       mesh.RestartMode
	Waiting    string          // what its start or stop waits for, in words
	Before     []mesh.DaemonID // are started before it
	Checked    bool            // its health is checked
	Reloadable bool            // the configuration says how it is asked to reload
}

// Outcome is how the work of a daemon ended that is not started again.
type Outcome = state.Outcome

// The outcomes.
const (
	OutcomeNone   = state.OutcomeNone
	OutcomeDone   = state.OutcomeDone
	OutcomeFailed = state.OutcomeFailed
)

// Order is the order of the ordered log that something comes from.
type Order = state.Origin

// Lifecycle is the state of a daemon's process.
type Lifecycle = state.Lifecycle

// The lifecycles.
const (
	Stopped  = state.Stopped
	Starting = state.Starting
	Running  = state.Running
	Stopping = state.Stopping
)

// Restart is the state of a daemon's restart gate.
type Restart = state.GateState

// The states of a restart gate.
const (
	RestartIdle         = state.GateIdle
	RestartBackingOff   = state.GateBackingOff
	RestartCrashLooping = state.GateCrashLooping
)

// Replica is one chain with its holders.
type Replica struct {
	Chain   mesh.ChainID
	Holders []mesh.NodeID // ascending
	Leader  mesh.NodeID   // 0 if none is known
	Desired uint32        // meaningful with HasDesired

	HasDesired bool
	Hold       mesh.HoldIntent // whether this node should hold it

	Count *state.CountOrder // the order that set Desired; nil if the configuration did
	Held  *state.HoldOrder  // the order that set Hold; nil if the configuration did
}

// Ordered returns the order of the ordered log that set Desired; nil for none.
func (r *Replica) Ordered() *Order {
	if r.Count == nil {
		return nil
	}
	return order(&r.Count.By)
}

// HoldOrdered returns the order of the ordered log that set Hold; nil for none.
func (r *Replica) HoldOrdered() *Order {
	if r.Held == nil {
		return nil
	}
	return order(&r.Held.By)
}

// Peer is one node as this one sees it. This node itself is among the peers only if it has
// an inventory.
type Peer struct {
	Node        mesh.NodeID
	Name        string
	RTT         time.Duration // meaningful with HasRTT
	HasRTT      bool
	Cordoned    bool
	Health      mesh.NodeHealth
	Maintenance mesh.MaintenancePhase
	Echo        EchoState // what locality probes found

	HealthSince  Mark        // since when Health has been so; none if it is unknown
	EchoSince    Mark        // since when Echo has been so; none if it is unknown
	HealthReason string      // why it is not healthy, in words, as the core knows; see Snapshot.HealthReason
	HealthFamily mesh.Family // by which it was checked
	Echoes       mesh.Echoes

	Draining bool    // another node is being evacuated without maintenance
	Member   *Member // what the mesh says of it; nil if it is no member
	FromHere bool    // only this node can't reach it
	OwnWord  bool    // Maintenance, Cordoned and Draining are what it says itself

	Inventory *mesh.Inventory        // without ages; see InventoryAt
	Measured  *[mesh.Facts]mesh.Time // when its facts were measured
}

// Member is what the mesh says of another node.
type Member = state.Member

// Probed reports whether a locality probe says anything of the peer.
func (p *Peer) Probed() bool { return p.Echo != EchoUnknown || p.Echoes != (mesh.Echoes{}) }

// Loss returns the share of the echoes without an answer; ok is false if it is unknown. Of a
// peer that answers no echoes at all, loss says nothing, nor does an old one if nothing is
// sent any more.
func (p *Peer) Loss() (share float64, ok bool) {
	share, ok = p.Echoes.Loss()
	if !ok || p.Echo == EchoSilent || p.Echoes.NoAnswer.NothingSent() {
		return 0, false
	}
	return share, true
}

// Jitter returns the mean difference of successive round-trip times; ok is false if it is
// unknown.
func (p *Peer) Jitter() (jitter time.Duration, ok bool) {
	if p.Echoes.Received < 2 {
		return 0, false
	}
	return p.Echoes.Jitter, true
}

// EchoState is what the measurements of locality probes say of a peer in a word.
type EchoState = state.EchoState

// The states.
const (
	EchoUnknown  = state.EchoUnknown
	EchoAnswers  = state.EchoAnswers
	EchoDegraded = state.EchoDegraded
	EchoLost     = state.EchoLost
	EchoSilent   = state.EchoSilent
)

// CutOff says that so many of the measured peers were lost at nearly the same time: this node
// may be the one that is cut off.
type CutOff struct {
	Lost, Peers int
	Since       mesh.Time // when the last of them was lost
}

// Avoid is one entry of the avoid list.
type Avoid struct {
	Peer   mesh.NodeID
	Reason string
	Until  mesh.Time
}

// Maintenance is the maintenance and drain of this node.
type Maintenance struct {
	Phase    mesh.MaintenancePhase
	Since    Mark // none while Active
	Deadline Mark // none if there is no deadline
	Reason   string
	Cordoned bool
	Draining bool
	Waiting  Waiting
	Ordered  *Order // the order that led to this; nil if there is none
}

// Waiting is what maintenance or a drain waits for.
type Waiting struct {
	Chains  shared.Table[mesh.ChainID, struct{}]
	Daemons []mesh.DaemonRef
}

// Len returns how many chains and daemons there are.
func (w Waiting) Len() int { return w.Chains.Len() + len(w.Daemons) }

// ChainWaits and DaemonWaits return in words that something is waited for.
func ChainWaits(id mesh.ChainID) string { return state.ChainWaits(id) }

// DaemonWaits is ChainWaits of a daemon.
func DaemonWaits(ref mesh.DaemonRef) string { return state.DaemonWaits(ref) }

// PluginStatus is the state of a plugin.
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

// Plugin is one configured plugin.
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
	RestartIn *time.Duration // until the next start; nil if none is scheduled
	PID       int
	SHA256    string
	Warnings  []string // about its entry in the configuration
}

// Stats holds counts since the process started.
type Stats struct {
	EventsApplied        uint64
	Ticks                uint64 // regular ones
	EarlyTicks           uint64
	MissedMarks          uint64 // that slices found, see state.Slice
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
	EventsRefused        uint64        // because the node would have to remember more than it may
	LastTickTook         time.Duration // from folding the samples to publishing the snapshot

	// Of the regular ticks of the last five minutes: half of them, and 99 of 100, took no
	// longer than this, and so many events were folded for each, in the mean.
	TickP50, TickP99 time.Duration
	EventsPerTick    float64
}
