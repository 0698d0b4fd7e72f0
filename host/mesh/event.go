package mesh

import "time"

// Event is one fact or order that a node receives. Ticks and samples are not events: the
// loop makes ticks itself and asks its probes for samples. The set is closed.
type Event interface {
	// Size returns what the event holds that has no bound of its own: the bytes of its
	// texts, plus one for each id of a list.
	Size() int

	isEvent()
}

// NodeHealth is the health of a node as this node sees it.
type NodeHealth uint8

// The health of a node. HealthUnknown means that nothing was reported yet.
const (
	HealthUnknown NodeHealth = iota
	HealthHealthy
	HealthDegraded
	HealthUnreachable
)

// DaemonStatus is the health that a daemon reports of itself.
type DaemonStatus uint8

// The statuses of a daemon. DaemonUnknown means that it has reported none yet.
const (
	DaemonUnknown DaemonStatus = iota
	DaemonHealthy
	DaemonDegraded
	DaemonUnhealthy
)

// DaemonHealth is a daemon's status. Reason is set when the status is not healthy.
type DaemonHealth struct {
	Status DaemonStatus
	Reason string
}

// MaintenancePhase is a state of a node's maintenance machine.
type MaintenancePhase uint8

// The phases. PhaseUnknown occurs for other nodes only.
const (
	PhaseUnknown MaintenancePhase = iota
	PhaseActive
	PhaseEntering
	PhaseMaintenance
	PhaseExiting
	PhaseDrainFailed
	PhaseRecovery
)

// ReplicaChange is what happened to a replica.
type ReplicaChange uint8

// The changes. Added and Repaired have the same effect, and so have Removed and Lost.
const (
	ReplicaAdded ReplicaChange = iota + 1
	ReplicaRemoved
	ReplicaLost
	ReplicaRepaired
)

// ReplicaUpdate reports that a node began or ceased to hold a chain.
type ReplicaUpdate struct {
	Change ReplicaChange
	Chain  ChainID
	Holder NodeID
}

// ReplicaLeader reports the leader of a chain; 0 means that there is none.
type ReplicaLeader struct {
	Chain  ChainID
	Leader NodeID
}

// ReplicaCurrent says which holders of a chain have all that it has, as its leader's engine sees
// it.
type ReplicaCurrent struct {
	Chain   ChainID
	Holders []NodeID
}

// TransitionKind names the two changes that a ReplicaTransition combines.
type TransitionKind uint8

// The transitions.
const (
	BecameHolderAndLeader TransitionKind = iota + 1
	LeaderLostAndRemoved
)

// ReplicaTransition changes holder and leader of a chain in one step, so that a full
// queue cannot drop one of the two changes and keep the other.
type ReplicaTransition struct {
	Kind   TransitionKind
	Chain  ChainID
	Holder NodeID
}

// The signals in a daemon's life.
type (
	// DaemonStarted reports that the daemon's process runs. PID is 0 and Config is empty if
	// they are not known.
	DaemonStarted struct {
		Daemon DaemonRef
		PID    int64
		Config string    // ConfiguredDaemon.Config of what it was started with
		Since  time.Time // when its process began, by the wall clock; zero: now
	}
	// DaemonExited reports that the daemon ended cleanly, or because it was asked to.
	DaemonExited struct {
		Daemon DaemonRef
		End    DaemonEnd
	}
	// DaemonCrashed reports that the daemon ended unasked and with an error.
	DaemonCrashed struct {
		Daemon DaemonRef
		Reason string
		End    DaemonEnd
	}
	// DaemonRejected reports that what the daemon's entry in the configuration points at is
	// missing or can't be executed. An empty reason takes that back.
	DaemonRejected struct {
		Daemon DaemonRef
		Reason string
	}
	// DaemonEnvironmentChanged reports that the files from which the daemon's environment is
	// read have other contents than when it was started, or that they have the same again.
	DaemonEnvironmentChanged struct {
		Daemon  DaemonRef
		Changed bool
	}
	// DaemonReplaced reports that the daemon does not run, and that a file which its command
	// names is another one than when it was started last.
	DaemonReplaced struct{ Daemon DaemonRef }
	// DaemonHealthChanged carries the health that the daemon reports of itself.
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

// BlobAnnouncement reports that a holder has a blob or, if Added is false, no longer has
// it.
type BlobAnnouncement struct {
	Blob      BlobID
	Holder    NodeID
	SizeBytes uint64
	Added     bool
}

// PlacementIntent sets how many replicas of a chain the cluster should hold.
type PlacementIntent struct {
	Chain   ChainID
	Desired uint32
}

// RunIntent is whether a daemon should run.
type RunIntent uint8

// The intents. IntentNone means that the daemon is to be left alone.
const (
	IntentNone RunIntent = iota
	IntentRun
	IntentStop
)

// DaemonIntent sets whether a daemon should run, and the only node on which it may run
// (0: any).
type DaemonIntent struct {
	Daemon DaemonRef
	Intent RunIntent
	Node   NodeID
}

// HoldIntent is whether this node should hold a chain.
type HoldIntent uint8

// The intents. HoldNone means that the replica is to be left alone.
const (
	HoldNone HoldIntent = iota
	HoldKeep
	HoldDrop
)

// LocalReplicaIntent sets whether this node should hold a chain.
type LocalReplicaIntent struct {
	Chain  ChainID
	Intent HoldIntent
}

// MaintenanceObserved reports that a node moved to another phase of maintenance.
type MaintenanceObserved struct {
	Node     NodeID
	Phase    MaintenancePhase
	Reason   string
	Deadline *time.Duration // the time left, while entering; nil for the configured default
}

// AdminReceived is an operator command without a signature.
type AdminReceived struct {
	Event  AdminEvent
	Reason string // why it was given; at most MaxReason bytes
}

// MaxReason is how long the reason of a command may be, in bytes.
const MaxReason = 1024

// Shutdown ends the loop at once.
type Shutdown struct{}

func (ReplicaUpdate) isEvent()            {}
func (ReplicaLeader) isEvent()            {}
func (ReplicaCurrent) isEvent()           {}
func (ReplicaTransition) isEvent()        {}
func (DaemonStarted) isEvent()            {}
func (DaemonExited) isEvent()             {}
func (DaemonCrashed) isEvent()            {}
func (DaemonRejected) isEvent()           {}
func (DaemonReplaced) isEvent()           {}
func (DaemonEnvironmentChanged) isEvent() {}
func (DaemonHealthChanged) isEvent()      {}
func (DaemonSaturationChanged) isEvent()  {}
func (RTTSample) isEvent()                {}
func (HealthSample) isEvent()             {}
func (LogLine) isEvent()                  {}
func (BlobAnnouncement) isEvent()         {}
func (PlacementIntent) isEvent()          {}
func (DaemonIntent) isEvent()             {}
func (LocalReplicaIntent) isEvent()       {}
func (MaintenanceObserved) isEvent()      {}
func (AdminReceived) isEvent()            {}
func (Shutdown) isEvent()                 {}

// Size implements Event.
func (ReplicaUpdate) Size() int              { return 0 }
func (ReplicaLeader) Size() int              { return 0 }
func (e ReplicaCurrent) Size() int           { return len(e.Holders) }
func (ReplicaTransition) Size() int          { return 0 }
func (e DaemonStarted) Size() int            { return len(e.Daemon.Name) + len(e.Config) }
func (e DaemonExited) Size() int             { return len(e.Daemon.Name) + e.End.size() }
func (e DaemonCrashed) Size() int            { return len(e.Daemon.Name) + len(e.Reason) + e.End.size() }
func (e DaemonReplaced) Size() int           { return len(e.Daemon.Name) }
func (e DaemonRejected) Size() int           { return len(e.Daemon.Name) + len(e.Reason) }
func (e DaemonEnvironmentChanged) Size() int { return len(e.Daemon.Name) }
func (e DaemonHealthChanged) Size() int      { return len(e.Daemon.Name) + len(e.Health.Reason) }
func (e DaemonSaturationChanged) Size() int  { return len(e.Daemon.Name) }
func (e RTTSample) Size() int                { return len(e.Reason) }
func (e HealthSample) Size() int             { return len(e.Reason) }
func (e LogLine) Size() int                  { return len(e.Source) + len(e.Message) }
func (BlobAnnouncement) Size() int           { return 0 }
func (PlacementIntent) Size() int            { return 0 }
func (e DaemonIntent) Size() int             { return len(e.Daemon.Name) }
func (LocalReplicaIntent) Size() int         { return 0 }
func (e MaintenanceObserved) Size() int      { return len(e.Reason) }
func (e AdminReceived) Size() int {
	if e.Event == nil {
		return 0
	}
	return e.Event.Size() + len(e.Reason)
}
func (Shutdown) Size() int { return 0 }
