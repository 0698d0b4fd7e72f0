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

// RTTSample is one measured round-trip time, with what else its probe measured.
type RTTSample struct {
	Peer NodeID
	RTT  time.Duration // 0 in the answer of a probe whose last round got no answer
	Echoes
}

// Echoes is what became of the echoes to a peer in the last rounds of a probe. The zero
// value means that the probe does not say.
type Echoes struct {
	Sent, Received uint32        // Received are those that were answered in time,
	Late           uint32        // and these after the probe's timeout
	Jitter         time.Duration // mean difference of successive round-trip times
	Round          uint64        // changes with each measurement; 0: the probe does not number them
	Unanswered     uint32        // rounds in a row that were sent and not answered at all
	NoAnswer       NoAnswer      // of the last round
	Reason         string        // why there is no round-trip time in time, for people
}

// NoAnswer is why the last round of a probe got no answer.
type NoAnswer uint8

// The reasons, in the contract's order. NoAnswerUnknown also stands for an answer.
const (
	NoAnswerUnknown NoAnswer = iota
	NoAnswerTimedOut
	NoAnswerUnreachable // a router or the peer's machine says so
	NoAnswerNoSuchName  // nothing was sent
	NoAnswerNotSent     // this machine could not send
)

// NothingSent reports whether nothing was sent, which says nothing about the peer.
func (n NoAnswer) NothingSent() bool { return n == NoAnswerNoSuchName || n == NoAnswerNotSent }

// Loss returns the share of the echoes that were not answered in time; ok is false if none
// was counted.
func (e Echoes) Loss() (share float64, ok bool) {
	if e.Sent == 0 {
		return 0, false
	}
	return float64(e.Sent-min(e.Sent, e.Received)) / float64(e.Sent), true
}

// HealthSample is the health of a peer, as a probe or an event reports it.
type HealthSample struct {
	Peer   NodeID
	Health NodeHealth
	Reason string // why it is not healthy, for people
}

// LogLevel is how important a log line is.
type LogLevel uint8

// The levels, least important first.
const (
	LevelTrace LogLevel = iota + 1
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// LogLine is a line for the node's log. Daemon is 0 if the line is not a daemon's. Source
// says who says it: "api", "plugin:NAME"; it is empty for the node itself and for the
// output of a daemon.
type LogLine struct {
	Level   LogLevel
	Daemon  DaemonID
	Source  string
	Message string
	Output  OutputPlace // of a line that a daemon printed
}

// OutputPlace is how far a line of a daemon reaches in the files in which the daemon's output
// waits. The zero value is no line of a daemon.
type OutputPlace struct {
	Spool   uint32 // which files: a daemon that is removed and added again gets new ones
	Segment uint64
	Offset  uint64
}

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
