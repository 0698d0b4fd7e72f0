package mesh

import "time"

// Action is one thing that the node wants done. The set is closed. Deadlines in
// actions are instants of this process and become relative when they leave it.
type Action interface {
	// Kind returns the stable snake_case name of the action.
	Kind() string
	// Key returns the kind and the subject of the action. At most one action with a
	// given key is outstanding at a time.
	Key() ActionKey
}

// ActionKey is the kind of an action and the id of its subject.
type ActionKey struct {
	Kind    string
	Subject uint64
	Until   Time // the release time; of apply_backoff only
}

// The kinds of action.
const (
	KindStartDaemon      = "start_daemon"
	KindStopDaemon       = "stop_daemon"
	KindPullReplica      = "pull_replica"
	KindDropReplica      = "drop_replica"
	KindRequestPlacement = "request_placement"
	KindRequestEviction  = "request_eviction"
	KindMigrateBlob      = "migrate_blob"
	KindReduceHeat       = "reduce_heat"
	KindMarkAvoid        = "mark_avoid"
	KindApplyBackoff     = "apply_backoff"
	KindCommitTransition = "commit_maintenance_transition"
	KindAskReload        = "ask_reload"
	KindSendSignal       = "send_signal"
	KindTransferLeader   = "transfer_leader"
)

// The actions.
type (
	// StartDaemon starts a daemon's process.
	StartDaemon struct{ Daemon DaemonRef }
	// StopDaemon asks a daemon to end, and kills it at the deadline.
	StopDaemon struct {
		Daemon   DaemonRef
		Reason   string
		Deadline Time
	}
	// PullReplica copies a chain from Source to this node.
	PullReplica struct {
		Chain  ChainID
		Source NodeID
	}
	// DropReplica deletes this node's copy of a chain.
	DropReplica struct{ Chain ChainID }
	// RequestPlacement asks another node to host a chain: the target, or any node
	// that is not excluded if the target is 0.
	RequestPlacement struct {
		Chain   ChainID
		Exclude []NodeID // ascending
		Target  NodeID
		// Replaces is the holder in whose place the node is to hold the chain: one that does not
		// count any more, or that a move takes the chain away from. 0: there are too few.
		Replaces NodeID
	}
	// RequestEviction asks a holder to delete its copy of a chain.
	RequestEviction struct {
		Chain  ChainID
		Victim NodeID
	}
	// TransferLeader has another holder lead a chain.
	TransferLeader struct {
		Chain ChainID
		To    NodeID
	}
	// MigrateBlob moves a blob.
	MigrateBlob struct {
		Blob     BlobID
		From, To NodeID
	}
	// ReduceHeat lowers the heat of a blob.
	ReduceHeat struct {
		Blob BlobID
		By   uint32
	}
	// MarkAvoid puts a peer on the avoid list for TTL.
	MarkAvoid struct {
		Peer   NodeID
		Reason string
		TTL    time.Duration
		Probed bool // because of what probes measured; not part of the contract
	}
	// ApplyBackoff keeps a daemon from starting before Until.
	ApplyBackoff struct {
		Daemon DaemonRef
		Until  Time
	}
	// CommitTransition moves this node to another phase of maintenance.
	CommitTransition struct {
		Node   NodeID
		Target MaintenancePhase
		Reason string
	}
	// AskReload has a daemon read its own configuration again.
	AskReload struct{ Daemon DaemonRef }
	// SendSignal sends a signal to the main process of a daemon.
	SendSignal struct {
		Daemon DaemonRef
		Signal string // one of Signals
	}
)

// Kind implements Action.
func (StartDaemon) Kind() string      { return KindStartDaemon }
func (StopDaemon) Kind() string       { return KindStopDaemon }
func (PullReplica) Kind() string      { return KindPullReplica }
func (DropReplica) Kind() string      { return KindDropReplica }
func (RequestPlacement) Kind() string { return KindRequestPlacement }
func (RequestEviction) Kind() string  { return KindRequestEviction }
func (MigrateBlob) Kind() string      { return KindMigrateBlob }
func (ReduceHeat) Kind() string       { return KindReduceHeat }
func (MarkAvoid) Kind() string        { return KindMarkAvoid }
func (ApplyBackoff) Kind() string     { return KindApplyBackoff }
func (CommitTransition) Kind() string { return KindCommitTransition }
func (AskReload) Kind() string        { return KindAskReload }
func (SendSignal) Kind() string       { return KindSendSignal }
func (TransferLeader) Kind() string   { return KindTransferLeader }

// Key implements Action.
func (a StartDaemon) Key() ActionKey {
	return ActionKey{Kind: KindStartDaemon, Subject: uint64(a.Daemon.ID)}
}

// Key implements Action.
func (a StopDaemon) Key() ActionKey {
	return ActionKey{Kind: KindStopDaemon, Subject: uint64(a.Daemon.ID)}
}

// Key implements Action.
func (a PullReplica) Key() ActionKey {
	return ActionKey{Kind: KindPullReplica, Subject: uint64(a.Chain)}
}

// Key implements Action.
func (a DropReplica) Key() ActionKey {
	return ActionKey{Kind: KindDropReplica, Subject: uint64(a.Chain)}
}

// Key implements Action.
func (a RequestPlacement) Key() ActionKey {
	return ActionKey{Kind: KindRequestPlacement, Subject: uint64(a.Chain)}
}

// Key implements Action.
func (a RequestEviction) Key() ActionKey {
	return ActionKey{Kind: KindRequestEviction, Subject: uint64(a.Chain)}
}

// Key implements Action.
func (a TransferLeader) Key() ActionKey {
	return ActionKey{Kind: KindTransferLeader, Subject: uint64(a.Chain)}
}

// Key implements Action.
func (a MigrateBlob) Key() ActionKey {
	return ActionKey{Kind: KindMigrateBlob, Subject: uint64(a.Blob)}
}

// Key implements Action.
func (a ReduceHeat) Key() ActionKey {
	return ActionKey{Kind: KindReduceHeat, Subject: uint64(a.Blob)}
}

// Key implements Action.
func (a MarkAvoid) Key() ActionKey {
	return ActionKey{Kind: KindMarkAvoid, Subject: uint64(a.Peer)}
}

// Key implements Action.
func (a ApplyBackoff) Key() ActionKey {
	return ActionKey{Kind: KindApplyBackoff, Subject: uint64(a.Daemon.ID), Until: a.Until}
}

// Key implements Action.
func (a CommitTransition) Key() ActionKey {
	return ActionKey{Kind: KindCommitTransition, Subject: uint64(a.Node)}
}

// Key implements Action.
func (a AskReload) Key() ActionKey {
	return ActionKey{Kind: KindAskReload, Subject: uint64(a.Daemon.ID)}
}

// Key implements Action.
func (a SendSignal) Key() ActionKey {
	return ActionKey{Kind: KindSendSignal, Subject: uint64(a.Daemon.ID)}
}

// Emitted is an action that was handed out, with its id and time.
type Emitted struct {
	ID     ActionID
	Action Action
	At     Time
}
