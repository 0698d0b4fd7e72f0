package mesh

import "time"

// AdminEvent is one operator command. The set is closed.
type AdminEvent interface {
	// Kind returns the stable snake_case name of the command.
	Kind() string
	// BreakGlass reports whether the command is for emergencies: it takes effect
	// during a freeze too.
	BreakGlass() bool
	// Size returns what the command holds that has no bound of its own, as Event's does.
	Size() int
}

// The ordinary commands.
type (
	// EnterMaintenance evacuates a node within DrainFor (nil: within the configured
	// drain deadline) and takes it out of service.
	EnterMaintenance struct {
		Node     NodeID
		DrainFor *time.Duration
	}
	// ExitMaintenance brings a node back into service. While the node is still
	// entering maintenance, it cancels that.
	ExitMaintenance struct{ Node NodeID }
	// Drain cordons a node and evacuates it within DrainFor (0: within the configured
	// drain deadline). The node stays Active.
	Drain struct {
		Node     NodeID
		DrainFor time.Duration
	}
	// Cordon keeps new replicas away from a node.
	Cordon struct{ Node NodeID }
	// Uncordon ends a cordon, and a drain with it.
	Uncordon struct{ Node NodeID }
	// RestartAllDaemons stops and starts each running daemon of a node.
	RestartAllDaemons struct{ Node NodeID }
	// ClearAvoidList empties the avoid list of a node.
	ClearAvoidList struct{ Node NodeID }
	// DropReplicas makes a node delete its copies of chains.
	DropReplicas struct {
		Node   NodeID
		Chains []ChainID
	}
	// InvalidatePlacement makes the nodes that receive it forget the scores of Node and
	// the rebalance cooldowns of the chains that Node holds.
	InvalidatePlacement struct{ Node NodeID }
	// SetDaemonIntent sets whether a daemon of a node should run. IntentNone stands for
	// what the node's configuration says.
	SetDaemonIntent struct {
		Node   NodeID
		Daemon DaemonRef
		Intent RunIntent
	}
	// SetPlacement sets how many replicas of a chain a node asks for while it leads the
	// chain. nil stands for what the node's configuration says.
	SetPlacement struct {
		Node    NodeID
		Chain   ChainID
		Desired *uint32
	}
	// SetLocalReplica sets whether a node should hold a chain. HoldNone stands for what the
	// node's configuration says.
	SetLocalReplica struct {
		Node   NodeID
		Chain  ChainID
		Intent HoldIntent
	}
	// StopNode ends the process of a node. Its daemons go on.
	StopNode struct{ Node NodeID }
	// RestartDaemon stops a daemon of a node and starts it again. One that waits to be
	// started again is started at once.
	RestartDaemon struct {
		Node   NodeID
		Daemon DaemonRef
	}
	// ReloadDaemon has a running daemon of a node read its own configuration again, once.
	ReloadDaemon struct {
		Node   NodeID
		Daemon DaemonRef
	}
	// SignalDaemon sends a signal to the main process of a running daemon of a node, once.
	SignalDaemon struct {
		Node   NodeID
		Daemon DaemonRef
		Signal string // one of Signals
	}
)

// The break-glass commands.
type (
	// FreezeCluster stops all actions for TTL.
	FreezeCluster struct{ TTL time.Duration }
	// ThawCluster ends a freeze.
	ThawCluster struct{}
	// FlushAvoidLists removes entries of avoid lists: the whole list of node Local, the
	// peer OnPeer from every list, or (Global) every entry of every list. Exactly one
	// of the three is set.
	FlushAvoidLists struct {
		Local  NodeID
		OnPeer NodeID
		Global bool
	}
	// ForceEvictReplica has the leader of a chain evict it from a holder.
	ForceEvictReplica struct {
		Chain  ChainID
		Victim NodeID
	}
	// ForceRestartDaemon restarts a daemon of Node as RestartDaemon does; 0: of the node that
	// receives it.
	ForceRestartDaemon struct {
		Daemon DaemonRef
		Node   NodeID
	}
	// ForceCutover has the leader of a chain place it on a target.
	ForceCutover struct {
		Chain  ChainID
		Target NodeID
	}
	// KillMigration aborts a migration of Node; 0: of each node that receives it.
	KillMigration struct {
		Migration MigrationID
		Node      NodeID
	}
)

// Kind implements AdminEvent.
func (EnterMaintenance) Kind() string    { return "enter_maintenance" }
func (ExitMaintenance) Kind() string     { return "exit_maintenance" }
func (Drain) Kind() string               { return "drain" }
func (Cordon) Kind() string              { return "cordon" }
func (Uncordon) Kind() string            { return "uncordon" }
func (RestartAllDaemons) Kind() string   { return "restart_all_daemons" }
func (ClearAvoidList) Kind() string      { return "clear_avoid_list" }
func (DropReplicas) Kind() string        { return "drop_replicas" }
func (InvalidatePlacement) Kind() string { return "invalidate_placement" }
func (SetDaemonIntent) Kind() string     { return "set_daemon_intent" }
func (SetPlacement) Kind() string        { return "set_placement" }
func (SetLocalReplica) Kind() string     { return "set_local_replica" }
func (StopNode) Kind() string            { return "stop_node" }
func (RestartDaemon) Kind() string       { return "restart_daemon" }
func (ReloadDaemon) Kind() string        { return "reload_daemon" }
func (SignalDaemon) Kind() string        { return "signal_daemon" }
func (FreezeCluster) Kind() string       { return "freeze_cluster" }
func (ThawCluster) Kind() string         { return "thaw_cluster" }
func (FlushAvoidLists) Kind() string     { return "flush_avoid_lists" }
func (ForceEvictReplica) Kind() string   { return "force_evict_replica" }
func (ForceRestartDaemon) Kind() string  { return "force_restart_daemon" }
func (ForceCutover) Kind() string        { return "force_cutover" }
func (KillMigration) Kind() string       { return "kill_migration" }

// BreakGlass implements AdminEvent.
func (EnterMaintenance) BreakGlass() bool    { return false }
func (ExitMaintenance) BreakGlass() bool     { return false }
func (Drain) BreakGlass() bool               { return false }
func (Cordon) BreakGlass() bool              { return false }
func (Uncordon) BreakGlass() bool            { return false }
func (RestartAllDaemons) BreakGlass() bool   { return false }
func (ClearAvoidList) BreakGlass() bool      { return false }
func (DropReplicas) BreakGlass() bool        { return false }
func (InvalidatePlacement) BreakGlass() bool { return false }
func (SetDaemonIntent) BreakGlass() bool     { return false }
func (SetPlacement) BreakGlass() bool        { return false }
func (SetLocalReplica) BreakGlass() bool     { return false }
func (StopNode) BreakGlass() bool            { return false }
func (RestartDaemon) BreakGlass() bool       { return false }
func (ReloadDaemon) BreakGlass() bool        { return false }
func (SignalDaemon) BreakGlass() bool        { return false }
func (FreezeCluster) BreakGlass() bool       { return true }
func (ThawCluster) BreakGlass() bool         { return true }
func (FlushAvoidLists) BreakGlass() bool     { return true }
func (ForceEvictReplica) BreakGlass() bool   { return true }
func (ForceRestartDaemon) BreakGlass() bool  { return true }
func (ForceCutover) BreakGlass() bool        { return true }
func (KillMigration) BreakGlass() bool       { return true }

// Size implements AdminEvent.
func (EnterMaintenance) Size() int     { return 0 }
func (ExitMaintenance) Size() int      { return 0 }
func (Drain) Size() int                { return 0 }
func (Cordon) Size() int               { return 0 }
func (Uncordon) Size() int             { return 0 }
func (RestartAllDaemons) Size() int    { return 0 }
func (ClearAvoidList) Size() int       { return 0 }
func (e DropReplicas) Size() int       { return len(e.Chains) }
func (InvalidatePlacement) Size() int  { return 0 }
func (e SetDaemonIntent) Size() int    { return len(e.Daemon.Name) }
func (SetPlacement) Size() int         { return 0 }
func (SetLocalReplica) Size() int      { return 0 }
func (StopNode) Size() int             { return 0 }
func (e RestartDaemon) Size() int      { return len(e.Daemon.Name) }
func (e ReloadDaemon) Size() int       { return len(e.Daemon.Name) }
func (e SignalDaemon) Size() int       { return len(e.Daemon.Name) + len(e.Signal) }
func (FreezeCluster) Size() int        { return 0 }
func (ThawCluster) Size() int          { return 0 }
func (FlushAvoidLists) Size() int      { return 0 }
func (ForceEvictReplica) Size() int    { return 0 }
func (e ForceRestartDaemon) Size() int { return len(e.Daemon.Name) }
func (ForceCutover) Size() int         { return 0 }
func (KillMigration) Size() int        { return 0 }
