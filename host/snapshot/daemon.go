package snapshot

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

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
