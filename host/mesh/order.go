package mesh

// IsOrder reports whether an event tells a node what to do, instead of what is. Node is
// the one that receives it: that another node's maintenance was observed is a fact.
func IsOrder(ev Event, node NodeID) bool {
	switch ev := ev.(type) {
	case AdminReceived, PlacementIntent, DaemonIntent, LocalReplicaIntent, Shutdown:
		return true
	case MaintenanceObserved:
		return ev.Node == node
	}
	return false
}

// EventKind returns the name that the contract has for the kind of an event.
func EventKind(ev Event) string {
	switch ev.(type) {
	case ReplicaUpdate:
		return "replica_update"
	case ReplicaLeader:
		return "replica_leader"
	case ReplicaCurrent:
		return "replica_current"
	case ReplicaTransition:
		return "replica_transition"
	case DaemonStarted, DaemonExited, DaemonCrashed, DaemonHealthChanged, DaemonSaturationChanged:
		return "daemon_lifecycle"
	case RTTSample:
		return "rtt_sample"
	case HealthSample:
		return "node_health"
	case LogLine:
		return "log_line"
	case BlobAnnouncement:
		return "blob_announcement"
	case PlacementIntent:
		return "placement_intent"
	case DaemonIntent:
		return "daemon_intent"
	case LocalReplicaIntent:
		return "local_replica_intent"
	case MaintenanceObserved:
		return "maintenance_observed"
	case AdminReceived:
		return "admin"
	case Shutdown:
		return "shutdown"
	}
	return "unknown"
}

// EventKinds returns the names of all kinds of events, in the order of the contract.
func EventKinds() []string {
	return []string{
		"replica_update", "replica_leader", "replica_transition", "daemon_lifecycle", "rtt_sample", "node_health",
		"admin", "log_line", "blob_announcement", "placement_intent", "daemon_intent", "local_replica_intent",
		"maintenance_observed", "shutdown", "replica_current",
	}
}

// Refusal is beside the verdict on an order that was refused before it came to the core, or
// that was taken without a signature and is no command. It counts those like it that have no
// record of their own. It changes nothing: an order that was taken comes to the core as an
// event of its own.
type Refusal struct {
	Source string // who brought the order: "api", "event_source:NAME" …
	Kind   string // the kind of the event or of the command; of a signed command, the kind of rejection
	Order  Event  // the order; nil for a command, which stands beside it, and if it is large
	More   uint64 // came since the last record of this source and kind with such a verdict, beside this one
}

// Published is what became of a batch of events: those up to number Taken + len(Refused)
// were taken or refused.
type Published struct {
	Taken   int
	Refused []RefusedEvent
	Record  *AuditRecord // of the last command among them that left one
}

// RefusedEvent is an event that was not taken, while those beside it were.
type RefusedEvent struct {
	Index   int // in the batch
	Verdict Verification
}
