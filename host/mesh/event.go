package mesh

import "time"

// Event is one thing that a node hears. Ticks and samples are not events: the
// loop makes ticks itself and pulls samples from its probes. The set is closed.
type Event interface {
	// Size returns what the event holds that has no bound of its own: the bytes of its
	// texts, plus one for each id of a list.
	Size() int

	isEvent()
}

// NodeHealth is how a node looks from here.
type NodeHealth uint8

// The health of a node; HealthUnknown is what nobody has reported yet.
const (
	HealthUnknown NodeHealth = iota
	HealthHealthy
	HealthDegraded
	HealthUnreachable
)

// DaemonStatus is what a daemon says of its own health.
type DaemonStatus uint8

// The statuses of a daemon; DaemonUnknown is what it has not reported yet.
const (
	DaemonUnknown DaemonStatus = iota
	DaemonHealthy
	DaemonDegraded
	DaemonUnhealthy
)

// DaemonHealth is a daemon's status with the reason for one that is not good.
type DaemonHealth struct {
	Status DaemonStatus
	Reason string
}

// MaintenancePhase is where a node stands in the maintenance machine.
type MaintenancePhase uint8

// The phases; PhaseUnknown is only ever another node's.
const (
	PhaseUnknown MaintenancePhase = iota
	PhaseActive
	PhaseEntering
	PhaseMaintenance
	PhaseExiting
	PhaseDrainFailed
	PhaseRecovery
)

// ReplicaChange says what happened to a replica.
type ReplicaChange uint8

// The changes; Added and Repaired have the same effect, and so have Removed and Lost.
const (
	ReplicaAdded ReplicaChange = iota + 1
	ReplicaRemoved
	ReplicaLost
	ReplicaRepaired
)

// ReplicaUpdate says that a node began or ceased to hold a chain.
type ReplicaUpdate struct {
	Change ReplicaChange
	Chain  ChainID
	Holder NodeID
}

// ReplicaLeader names a chain's leader; 0 says that there is none.
type ReplicaLeader struct {
	Chain  ChainID
	Leader NodeID
}

// TransitionKind says which two things happen as one step.
type TransitionKind uint8

// The transitions.
const (
	BecameHolderAndLeader TransitionKind = iota + 1
	LeaderLostAndRemoved
)

// ReplicaTransition changes holder and leader of a chain as one step, so that a
// full queue can't drop just one half.
type ReplicaTransition struct {
	Kind   TransitionKind
	Chain  ChainID
	Holder NodeID
}

// The signals in a daemon's life.
type (
	// DaemonStarted says that the daemon's process runs.
	DaemonStarted struct{ Daemon DaemonRef }
	// DaemonExited says that the daemon ended cleanly, or because it was asked to.
	DaemonExited struct{ Daemon DaemonRef }
	// DaemonCrashed says that the daemon ended by itself, badly.
	DaemonCrashed struct {
		Daemon DaemonRef
		Reason string
	}
	// DaemonHealthChanged carries what the daemon says of its health.
	DaemonHealthChanged struct {
		Daemon DaemonRef
		Health DaemonHealth
	}
	// DaemonSaturationChanged carries the daemon's load, 0 idle … 1 saturated.
	DaemonSaturationChanged struct {
		Daemon     DaemonRef
		Saturation float32
	}
)

// RTTSample is one measured round-trip time.
type RTTSample struct {
	Peer NodeID
	RTT  time.Duration
}

// HealthSample is one verdict on a peer.
type HealthSample struct {
	Peer   NodeID
	Health NodeHealth
}

// LogLevel orders log lines by weight.
type LogLevel uint8

// The levels, lightest first.
const (
	LevelTrace LogLevel = iota + 1
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// LogLine is a line for the node's log. Daemon is 0 for lines of no daemon.
type LogLine struct {
	Level   LogLevel
	Daemon  DaemonID
	Message string
}

// BlobAnnouncement says that a holder has a blob, or (not Added) gave it up.
type BlobAnnouncement struct {
	Blob      BlobID
	Holder    NodeID
	SizeBytes uint64
	Added     bool
}

// PlacementIntent says how many replicas of a chain the cluster should hold.
type PlacementIntent struct {
	Chain   ChainID
	Desired uint32
}

// RunIntent says whether a daemon should run.
type RunIntent uint8

// The intents; IntentNone is no wish at all.
const (
	IntentNone RunIntent = iota
	IntentRun
	IntentStop
)

// DaemonIntent says whether a daemon should run, and on which node only (0: any).
type DaemonIntent struct {
	Daemon DaemonRef
	Intent RunIntent
	Node   NodeID
}

// HoldIntent says whether this node should hold a chain.
type HoldIntent uint8

// The intents; HoldNone is no wish at all.
const (
	HoldNone HoldIntent = iota
	HoldKeep
	HoldDrop
)

// LocalReplicaIntent says whether this node should hold a chain.
type LocalReplicaIntent struct {
	Chain  ChainID
	Intent HoldIntent
}

// MaintenanceObserved is a committed maintenance transition of some node.
type MaintenanceObserved struct {
	Node     NodeID
	Phase    MaintenancePhase
	Reason   string
	Deadline *time.Duration // entering: the time left; nil for the default
}

// AdminReceived is an unsigned admin event.
type AdminReceived struct{ Event AdminEvent }

// Shutdown ends the loop at once.
type Shutdown struct{}

func (ReplicaUpdate) isEvent()           {}
func (ReplicaLeader) isEvent()           {}
func (ReplicaTransition) isEvent()       {}
func (DaemonStarted) isEvent()           {}
func (DaemonExited) isEvent()            {}
func (DaemonCrashed) isEvent()           {}
func (DaemonHealthChanged) isEvent()     {}
func (DaemonSaturationChanged) isEvent() {}
func (RTTSample) isEvent()               {}
func (HealthSample) isEvent()            {}
func (LogLine) isEvent()                 {}
func (BlobAnnouncement) isEvent()        {}
func (PlacementIntent) isEvent()         {}
func (DaemonIntent) isEvent()            {}
func (LocalReplicaIntent) isEvent()      {}
func (MaintenanceObserved) isEvent()     {}
func (AdminReceived) isEvent()           {}
func (Shutdown) isEvent()                {}

// Size implements Event.
func (ReplicaUpdate) Size() int             { return 0 }
func (ReplicaLeader) Size() int             { return 0 }
func (ReplicaTransition) Size() int         { return 0 }
func (e DaemonStarted) Size() int           { return len(e.Daemon.Name) }
func (e DaemonExited) Size() int            { return len(e.Daemon.Name) }
func (e DaemonCrashed) Size() int           { return len(e.Daemon.Name) + len(e.Reason) }
func (e DaemonHealthChanged) Size() int     { return len(e.Daemon.Name) + len(e.Health.Reason) }
func (e DaemonSaturationChanged) Size() int { return len(e.Daemon.Name) }
func (RTTSample) Size() int                 { return 0 }
func (HealthSample) Size() int              { return 0 }
func (e LogLine) Size() int                 { return len(e.Message) }
func (BlobAnnouncement) Size() int          { return 0 }
func (PlacementIntent) Size() int           { return 0 }
func (e DaemonIntent) Size() int            { return len(e.Daemon.Name) }
func (LocalReplicaIntent) Size() int        { return 0 }
func (e MaintenanceObserved) Size() int     { return len(e.Reason) }
func (e AdminReceived) Size() int {
	if e.Event == nil {
		return 0
	}
	return e.Event.Size()
}
func (Shutdown) Size() int { return 0 }
