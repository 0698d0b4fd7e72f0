package catalog

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/catalog/pluginlog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/plaintext"
)

// slot is one configured plugin. Its goroutine (supervise.go) owns the plugin's life;
// what others read of it is guarded by mu, which nobody holds while anything takes time.
type slot struct {
	opts    *Options
	peers   *peerBook
	output  *pluginlog.Log
	wake    chan struct{} // buffered for one: the goroutine has something to look at
	current atomic.Pointer[Entry]

	// At the last try; only the goroutine uses them.
	file       fileWatch
	triedEntry *Entry
	kept       kept

	sessions sessions

	rtt        rttMemory // of its last answer
	lastHealth atomic.Pointer[said[mesh.HealthSample]]

	mu            sync.Mutex
	machine       machine
	retryNow      bool      // the next try is wanted although it is not due
	instance      *instance // while it takes calls
	renewal       chan struct{}
	config        map[string]any
	configVersion uint64 // grows with every change of config
	stats         callStats
	discarded     answers.Discarded // from all its answers so far

	// What is known of the current or the last process.
	pid                     int
	process                 *process.Process // nil before the first
	version, sha256, schema string
	kinds, schemes          []string
	noOp                    bool
	kindsReported           bool // to Run's caller
	lastExit                string
	warnings                []string
	unsealed                bool   // the copy of its file could be changed
	notice                  string // what its entry lacks
}

// callStats counts the calls of a plugin, over all its processes.
type callStats struct {
	calls, failures uint64
	last            time.Duration
}

func newSlot(e Entry, opts *Options, peers *peerBook) *slot {
	s := &slot{
		opts: opts, peers: peers, config: e.Config,
		wake: make(chan struct{}, 1), renewal: make(chan struct{}),
	}
	s.current.Store(&e)
	s.output = pluginlog.New(opts.Now, func(level mesh.LogLevel, message string) { opts.Log(level, e.Name, message) })
	s.machine = newMachine(opts.Now(), defaultPolicy(opts.HangTimeout), opts.Rand, e.Enabled)
	s.kinds, _ = knownKinds(e.Kinds)
	return s
}

// entry returns the plugin's entry. Its keys are not changed: change replaces the entry.
func (s *slot) entry() *Entry { return s.current.Load() }

// dataDir returns the plugin's own directory.
func (s *slot) dataDir() string {
	return filepath.Join(s.opts.DataDir, "plugins", s.entry().Name)
}

// newError returns an error about this plugin that a retry may heal.
func (s *slot) newError(step, problem, remedy string, err error) *Error {
	return &Error{Plugin: s.entry().Name, Step: step, Problem: problem, Remedy: remedy, Err: err}
}

// lastMessage returns the line of the process's stderr that says most about its end, as
// the rest of an error text. It is "" if the process wrote nothing.
func (s *slot) lastMessage() string {
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

// seeLastLines is the remedy for what only the plugin's own output can explain.
func (s *slot) seeLastLines() string {
	return fmt.Sprintf(`see its last lines with "meshos plugin describe %s"`, s.entry().Name)
}

// step changes the plugin's life. change is called with mu held.
func (s *slot) step(change func(m *machine, now time.Time)) {
	now := s.opts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.machine, now)
}

// wakeUp makes the slot's goroutine look again.
func (s *slot) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// acquire returns the running process, or nil if there is none. Its connection stays
// open until the caller calls calls.Done.
func (s *slot) acquire() *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instance != nil {
		s.instance.calls.Add(1)
	}
	return s.instance
}

// renewed returns a channel that is closed once the plugin is ready with another process
// or another configuration than now: it has forgotten what it was told before, and its
// stream begins anew.
func (s *slot) renewed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewal
}

// renewLocked closes the channel of renewed. It is called with mu held.
func (s *slot) renewLocked() {
	close(s.renewal)
	s.renewal = make(chan struct{})
}

// serves reports whether the plugin is enabled and known to serve a kind: by its entry,
// or else by its own description.
func (s *slot) serves(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entry().Enabled && slices.Contains(s.kinds, kind)
}

// isNoOp reports whether the plugin describes itself as a placeholder.
func (s *slot) isNoOp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noOp
}

// view returns the plugin as operators see it.
func (s *slot) view(now time.Time) snapshot.Plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := snapshot.Plugin{
		Name: s.entry().Name, Version: s.version, Kinds: slices.Clone(s.kinds),
		Status: statusOf(s.machine.phase), Message: s.machine.reason,
		Restarts: s.machine.restarts, Calls: s.stats.calls, Failures: s.stats.failures,
		LastCall: s.stats.last, PID: s.pid, SHA256: s.sha256,
	}
	if s.notice != "" {
		v.Warnings = []string{s.notice}
	}
	if p := s.machine.phase; p == backingOff || p == quarantined {
		in := max(0, s.machine.until.Sub(now))
		v.RestartIn = &in
	}
	return v
}

// statusOf returns the contract's status of a phase.
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
