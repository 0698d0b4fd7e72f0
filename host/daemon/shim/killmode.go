package shim

// KillMode says who is asked to end and who is killed when a daemon is stopped.
type KillMode string

// The kill modes.
const (
	// KillGroup asks everything that descends from the daemon, and kills what has not ended
	// in time. The daemon has ended when all of them have. "" is the same.
	KillGroup KillMode = "group"
	// KillMixed asks the main process only, and kills the others once it has ended.
	KillMixed KillMode = "mixed"
	// KillProcess asks and kills the main process only. What it leaves goes on.
	KillProcess KillMode = "process"
)
