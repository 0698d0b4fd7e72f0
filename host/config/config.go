package config

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Config is a whole configuration. Paths are absolute when it came from Load.
type Config struct {
	File string // where it was read from

	Node          Node
	Loop          Loop
	Admission     Admission
	Locality      Locality
	Maintenance   Maintenance
	Scheduler     Scheduler
	Restart       Restart
	Operators     Operators
	Records       Records
	PluginSection PluginSection

	Peers   []Peer
	Chains  []Chain
	Daemons []Daemon
	Plugins []Plugin

	// Warnings are what is accepted but should be known, sorted by line.
	Warnings []Problem
}

// Node is who this node is and where it can be reached.
type Node struct {
	ID      mesh.NodeID
	Name    string
	Cluster string
	DataDir string
	Socket  string // of the API
	Listen  string // host:port of /healthz and /metrics; "" for none
}

// Loop is the pace and the bounds of the control loop.
type Loop struct {
	TickInterval  time.Duration
	ProbeBudget   time.Duration
	EventQueue    int
	ActionQueue   int
	SampleTTL     time.Duration
	Settle        time.Duration
	ActionTimeout time.Duration
}

// Admission says how fast actions may leave.
type Admission struct {
	PullCooldown     time.Duration
	Stabilization    time.Duration
	DrainRate        int // a second
	BackpressureHigh int
	BackpressureLow  int
	MaxDefers        int
	DispatchWorkers  int
}

// Locality says when a peer is too slow and when it is lost.
type Locality struct {
	DegradedRTT      time.Duration
	AvoidTTL         time.Duration
	UnreachableGrace time.Duration
}

// Maintenance holds the windows of the maintenance machine.
type Maintenance struct {
	DrainDeadline time.Duration
	RecoveryRamp  time.Duration
	ExitReport    time.Duration
}

// Scheduler says when a replica is worth moving.
type Scheduler struct {
	ScoreFloor       float64
	HysteresisGap    float64
	Cooldown         time.Duration
	DecisionInterval time.Duration
	CostPerSecond    float64
	ForcedTTL        time.Duration
}

// Restart says how a daemon that crashes is slowed down.
type Restart struct {
	Initial            time.Duration
	Factor             float64
	Max                time.Duration
	CrashLoopThreshold int
	CrashLoopWindow    time.Duration
	CrashLoopCooldown  time.Duration
	StableRun          time.Duration
	StopGrace          time.Duration
}

// Operators says whose commands count.
type Operators struct {
	Signers       string // an OpenSSH allowed_signers file; "" for none
	Ordinary      int    // signatures an ordinary command needs
	BreakGlass    int
	Thaw          int
	Freshness     time.Duration
	FutureSkew    time.Duration
	Cooldown      time.Duration
	AllowUnsigned bool
}

// Records bounds what the node's records take on disk.
type Records struct {
	SegmentSize int64         // bytes of a file, about
	KeepSize    int64         // bytes of each chain but audit
	KeepAge     time.Duration // of a record in a chain but audit
	AuditLimit  int64         // bytes of audit records from which on ordinary commands are refused
}

// PluginSection says where plugins are found.
type PluginSection struct {
	Dir string
}

// Peer is another machine of the mesh.
type Peer struct {
	ID      mesh.NodeID
	Name    string
	Address string // host name or IP, no port; "" for one that no probe can ask
	Health  string // host:port, "" for none
}

// Chain is a replicated chain with what is wished for it.
type Chain struct {
	ID       mesh.ChainID
	Replicas *uint32 // nil: no wish
	Hold     *bool   // nil: no wish
}

// Daemon is a process that the node supervises.
type Daemon struct {
	ID        mesh.DaemonID
	Name      string
	Command   []string // program and arguments
	Env       map[string]string
	Dir       string // "" for the node's own
	Essential bool
	Run       bool
	Node      mesh.NodeID // 0: any
	Health    *DaemonHealth
}

// Ref gives the daemon's identity with its label.
func (d Daemon) Ref() mesh.DaemonRef { return mesh.DaemonRef{ID: d.ID, Name: d.Name} }

// DaemonHealth says how a daemon's health is asked for.
type DaemonHealth struct {
	Type      string   // "exec", "tcp" or "http"
	Target    string   // tcp: host:port, http: URL
	Command   []string // exec
	Interval  time.Duration
	Timeout   time.Duration
	Failures  int
	Successes int
}

// Plugin is one plugin of the node.
type Plugin struct {
	Name      string
	Path      string // the file that is executed
	SHA256    string // 64 hexadecimal digits in lower case, "" for no pin
	Required  bool
	Enabled   bool
	Kinds     []string // the kinds that are used; none for all it serves
	Chains    []mesh.RecordChain
	Actions   []string      // of an actuator: the kinds it carries out; none for all that nobody else does
	Timeout   time.Duration // of one call; 0 for the node's own for its kind
	Isolation string        // "" or "best-effort"
	Env       map[string]string
	// Config is handed to the plugin: nil, bool, int64, float64, string, []any
	// and map[string]any, and nothing else.
	Config map[string]any
	Limits Limits
}

// Limits of a plugin's process; 0 is no limit. They are checked when the file is
// read; this version does not enforce them yet.
type Limits struct {
	Memory    int64   // bytes
	CPU       float64 // cores
	Files     int
	Processes int
}
