package catalog

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/catalog/pluginlog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/plaintext"
)

// slot is one configured plugin. Its goroutine (supervise.go) owns the life; what
// others read of it is behind mu, which nobody holds while anything takes time.
type slot struct {
	entry  Entry
	opts   *Options
	peers  *peerBook
	output *pluginlog.Log
	nudge  chan struct{} // holds one: something for the goroutine to look at
	tried  stamp         // of the file at the last try; the goroutine's own

	mu       sync.Mutex
	machine  machine
	instance *instance // while it takes calls
	pid      int
	config   map[string]any
	kick     bool // try again although nothing is due
	// configVersion grows with every change of config, to tell what a process has.
	configVersion uint64
	stats         callStats
	lies          map[string]*lieCount
	renewal       chan struct{} // closed when a process or a configuration is new

	// What is known of the present or the last process.
	version, sha256, schema string
	kinds                   []string
	noOp                    bool
	served                  bool // kinds were reported to Run's caller
	lastExit                string
	warnings                []string
}

// runEnv is what all slots of a running catalog share.
type runEnv struct {
	spawner *process.Spawner
	sockets *socketDirs
	serving func(plugin string, kinds []string)
}

// callStats counts the calls of a plugin, over all its processes.
type callStats struct {
	calls, failures uint64
	last            time.Duration
}

func newSlot(e Entry, opts *Options, peers *peerBook) *slot {
	s := &slot{
		entry: e, opts: opts, peers: peers, config: e.Config,
		nudge: make(chan struct{}, 1), lies: make(map[string]*lieCount), renewal: make(chan struct{}),
	}
	s.output = pluginlog.New(opts.Now, func(level mesh.LogLevel, message string) { opts.Log(level, e.Name, message) })
	s.machine = newMachine(opts.Now(), defaultPolicy(opts.HangTimeout), opts.Rand, e.Enabled)
	s.kinds, _ = knownKinds(e.Kinds)
	return s
}

// dataDir is the plugin's own directory.
func (s *slot) dataDir() string {
	return filepath.Join(s.opts.DataDir, "plugins", s.entry.Name)
}

// problem makes an error about this plugin that a retry may heal.
func (s *slot) problem(step, problem, remedy string, err error) *Error {
	return &Error{Plugin: s.entry.Name, Step: step, Problem: problem, Remedy: remedy, Err: err}
}

// quote gives the line of the process's stderr that says most about its end, for an
// error.
func (s *slot) quote() string {
	message, crashed := s.output.LastMessage()
	if message == "" {
		return ""
	}
	what := "its last line"
	if crashed {
		what = "it crashed"
	}
	return fmt.Sprintf(", %s: %q", what, plaintext.Clean(message, 300))
}

// look is the remedy for what only the plugin's own lines can explain.
func (s *slot) look() string {
	return fmt.Sprintf(`see its last lines with "meshos plugin describe %s"`, s.entry.Name)
}

// step changes the life and tells everybody who looks at it.
func (s *slot) step(change func(m *machine, now time.Time)) {
	now := s.opts.Now()
	s.mu.Lock()
	change(&s.machine, now)
	s.mu.Unlock()
	s.opts.Changed()
}

// wakeUp makes the slot's goroutine look again.
func (s *slot) wakeUp() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// renewed is closed when the plugin is ready with another process or another
// configuration than now: what was told to it before, or streamed by it, is gone.
func (s *slot) renewed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewal
}

// renewLocked tells those who wait for a new process or configuration. Called with
// mu held.
func (s *slot) renewLocked() {
	close(s.renewal)
	s.renewal = make(chan struct{})
}

// serves says whether the plugin is known to serve a kind and may: by its entry,
// else by its own description.
func (s *slot) serves(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entry.Enabled && slices.Contains(s.kinds, kind)
}

// isUndescribed says whether it is at its first start, and its entry does not say
// which kinds it serves.
func (s *slot) isUndescribed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.machine.phase {
	case verifying, starting, configuring:
		return len(s.kinds) == 0 && s.machine.restarts == 0
	}
	return false
}

// isNoOp says whether the plugin describes itself as a placeholder.
func (s *slot) isNoOp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noOp
}

// view gives what operators see of it.
func (s *slot) view(now time.Time) snapshot.Plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := snapshot.Plugin{
		Name: s.entry.Name, Version: s.version, Kinds: slices.Clone(s.kinds),
		Status: statusOf(s.machine.phase), Message: s.machine.reason,
		Restarts: s.machine.restarts, Calls: s.stats.calls, Failures: s.stats.failures,
		LastCall: s.stats.last, PID: s.pid, SHA256: s.sha256,
	}
	if p := s.machine.phase; p == backingOff || p == quarantined {
		in := max(0, s.machine.until.Sub(now))
		v.RestartIn = &in
	}
	return v
}

// statusOf gives the contract's status of a phase.
func statusOf(p phase) snapshot.PluginStatus {
	switch p {
	case ready:
		return snapshot.PluginReady
	case lagging:
		return snapshot.PluginLagging
	case backingOff:
		return snapshot.PluginBackingOff
	case quarantined:
		return snapshot.PluginQuarantined
	case rejected:
		return snapshot.PluginRejected
	case disabled, stopping:
		return snapshot.PluginDisabled
	}
	return snapshot.PluginStarting
}
