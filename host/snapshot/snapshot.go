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
	Sessions  int // how many other members of the mesh have one
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
