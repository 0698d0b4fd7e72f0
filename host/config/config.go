package config

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Config is a whole configuration. Its paths are absolute if it came from Load.
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
	Capacity      Capacity
	PluginSection PluginSection

	Peers   []Peer
	Chains  []Chain
	Daemons []Daemon
	Plugins []Plugin

	// Warnings are accepted settings that do not do what one may expect, by line.
	Warnings []Problem
	// Faults are mistakes that do not keep a node from starting, by line: mostly what an
	// entry points at and is missing. Such an entry is rejected, and the rest is started.
	Faults []Problem
	// Unstartable are those of Faults that keep a node from starting after all: plugins
	// that are required and can't be used.
	Unstartable []Problem
}

// Node says who this node is and where it can be reached.
type Node struct {
	ID      mesh.NodeID
	Name    string
	Cluster string
	DataDir string
	Socket  string // of the API
	// SocketGroup is the group, by name or number, whose members may connect to Socket; ""
	// for none.
	SocketGroup string
	Listen      string // host:port of /healthz and /metrics; "" for none
	// Address and Health are how the other nodes of a mesh should measure this one; "" for the
	// address of its link, and for no health target.
	Address, Health string
	Labels          map[string]string // properties of the machine, such as rack = "r7"
}

// Loop sets the pace and the limits of the control loop.
type Loop struct {
	TickInterval  time.Duration
	ProbeBudget   time.Duration
	EventQueue    int
	ActionQueue   int
	SampleTTL     time.Duration
	Settle        time.Duration
	ActionTimeout time.Duration
}

// Admission limits how fast actions are dispatched.
type Admission struct {
	PullCooldown     time.Duration
	Stabilization    time.Duration
	DrainRate        int // per second
	BackpressureHigh int
	BackpressureLow  int
	MaxDefers        int
	DispatchWorkers  int
}

// The families by which a peer may be reached.
const (
	FamilyIPv4 = "4"
	FamilyIPv6 = "6"
)

// Locality says when a peer is too slow or lost, and when an unreachable one does not count as
// a holder.
type Locality struct {
	DegradedRTT      time.Duration
	DegradedLoss     float64
	DegradedFor      time.Duration
	RecoverAfter     time.Duration
	Failures         int
	AvoidTTL         time.Duration
	UnreachableGrace time.Duration
	ResolveGrace     time.Duration // how long the addresses of a name that is gone count
}

// Maintenance sets the time limits of maintenance.
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

// Restart says how long a daemon that crashes must wait before it is started again.
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

// Operators says whose commands are accepted.
type Operators struct {
	Signers       string // an OpenSSH allowed_signers file; "" for none
	Ordinary      int    // how many operators must sign an ordinary command; the next two likewise
	BreakGlass    int
	Thaw          int
	Freshness     time.Duration
	FutureSkew    time.Duration
	Cooldown      time.Duration
	AllowUnsigned bool
}

// Records limits how much disk space the node's records use.
type Records struct {
	SegmentSize int64         // bytes of one file, approximately
	KeepSize    int64         // bytes of each chain except audit
	KeepAge     time.Duration // of a record in a chain except audit
	AuditLimit  int64         // with this many bytes of audit records, ordinary commands are refused
	MeshAge     time.Duration // of an entry of the log of the mesh that a checkpoint stands for
	MeshSize    int64         // bytes of that log, from which on such entries are dropped
	Mirror      string        // "stderr": what daemons print goes to the node's own log too; "" for not
}

// MirrorStderr is the value of records.mirror with which the lines of daemons go to
// standard error, too.
const MirrorStderr = "stderr"

// Capacity limits what a node remembers.
type Capacity struct {
	Peers           int
	Chains          int
	Daemons         int
	Blobs           int
	HoldersPerChain int // of a chain, and of a blob
	NameBytes       int // of a daemon's or a peer's name
}

// PluginSection says where plugins are found.
type PluginSection struct {
	Dir string
}

// Peer is another machine of the mesh.
type Peer struct {
	ID      mesh.NodeID
	Name    string
	Address string // host name or IP without a port; "" if no probe can reach it
	Health  string // host:port; "" for none
	Family  string // FamilyIPv4 or FamilyIPv6; "" for both
}

// Chain is a replicated chain and its desired state.
type Chain struct {
	ID       mesh.ChainID
	Name     string  // "" for none
	Replicas *uint32 // nil if not specified
	Hold     *bool   // whether this node holds a replica; nil if not specified
	Spread   string  // the label over whose values holders are spread; "" for none
	Stream   *ChainStream
}

// ChainStream makes a chain a stream of the mesh that begins with this configuration.
type ChainStream struct {
	Subjects  []string
	MaxBytes  int64         // 0: no limit
	MaxAge    time.Duration // 0: no limit
	Retention string        // limits, interest or work-queue
}

// Daemon is a process that the node supervises.
type Daemon struct {
	ID        mesh.DaemonID
	Name      string
	Command   []string // program and arguments
	Env       map[string]string
	Sources   Sources // of more variables
	Dir       string  // "" for the node's working directory
	Stop      Stop
	Limits    DaemonLimits
	RunAs     RunAs
	PreStart  Hooks // before it is started
	PostStop  Hooks // once it has ended
	Essential bool
	Run       bool
	Node      mesh.NodeID // the node that runs it; 0 for any
	Health    *DaemonHealth
	Restart   mesh.RestartMode
	Gate      mesh.RestartValues // over [restart]
	After     []string           // names or ids of daemons that are started before it
	Requires  []string           // names or ids of daemons without which it does not run

	ReloadSignal  string   // that has it read its own configuration again; "" for none
	ReloadCommand []string // that does so instead
}

// Ref returns the daemon's identity with its label.
func (d Daemon) Ref() mesh.DaemonRef { return mesh.DaemonRef{ID: d.ID, Name: d.Name} }

// DaemonHealth says how a daemon's health is checked.
type DaemonHealth struct {
	Type      string   // "exec", "tcp" or "http"
	Target    string   // tcp: host:port, http: URL
	Command   []string // exec: program and arguments
	Interval  time.Duration
	Timeout   time.Duration
	Failures  int
	Successes int

	StartPeriod time.Duration // how long after its start failures do not count
	OnUnhealthy string        // "none" or "restart"
}

// Plugin is one plugin of the node.
type Plugin struct {
	Name     string
	Path     string // the file that is executed
	SHA256   string // 64 hexadecimal digits in lower case; "" to accept any file
	Required bool
	Enabled  bool
	API      bool     // whether its processes may use the node's API
	Kinds    []string // the kinds that are used; empty for all that it serves
	// Chains are the record chains that an appender gets. Empty means all if Kinds has
	// chain_appender, else none.
	Chains []mesh.RecordChain
	// Actions are the kinds of action that an actuator carries out; empty for all that no
	// other plugin names.
	Actions []string
	// Events are the events that it may bring: "facts", and the names of the contract's
	// events. Empty means facts.
	Events    []string
	Timeout   time.Duration // of one call; 0 for the node's default for its kind
	Isolation string        // "" or "best-effort"
	Env       map[string]string
	// Config is passed to the plugin. It holds only nil, bool, int64, float64, string,
	// []any and map[string]any.
	Config map[string]any
	Limits Limits
}

// Limits are those of a plugin's process; 0 means no limit. This version checks them when
// it reads the file, but does not enforce them yet.
type Limits struct {
	Memory    int64   // bytes
	CPU       float64 // cores
	Files     int
	Processes int
}
