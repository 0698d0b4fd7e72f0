package daemon

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Events takes what there is to say about daemons, into the loop.
type Events interface {
	// Publish waits for room until ctx ends.
	Publish(ctx context.Context, ev mesh.Event) error
	// TryPublish fails at once when there is none.
	TryPublish(ev mesh.Event) error
}

// Options are what a Manager works with.
type Options struct {
	Spawner *process.Spawner // stays the caller's, who closes it after the Manager
	Events  Events
	// CloseGrace is what daemons get to end when the Manager is closed. 0 is 3 s.
	CloseGrace time.Duration
	// Log, if set, hears of events that nobody took.
	Log *slog.Logger
}

// Manager runs this node's daemons. Its methods may be called from any goroutine.
type Manager struct {
	opts     Options
	ctx      context.Context // of telling; ends when Close has no more time
	cancel   context.CancelFunc
	closing  chan struct{}
	counters counters
	killers  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	specs  map[mesh.DaemonID]Spec
	runs   map[mesh.DaemonID]*run // whose processes have not ended
	latest map[mesh.DaemonID]*run // whose events were not all taken
}

// New gives a Manager without daemons. Close it.
func New(o Options) *Manager {
	if o.CloseGrace <= 0 {
		o.CloseGrace = 3 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		opts: o, closing: make(chan struct{}),
		specs:  make(map[mesh.DaemonID]Spec),
		runs:   make(map[mesh.DaemonID]*run),
		latest: make(map[mesh.DaemonID]*run),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Configure replaces what is known of daemons. It starts and stops nothing: a
// daemon that runs keeps what it was started with until it ends, also one that is
// no longer known; reconcile stops that.
func (m *Manager) Configure(specs []Spec) {
	known := make(map[mesh.DaemonID]Spec, len(specs))
	for _, s := range specs {
		known[s.Daemon.ID] = s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.specs = known
}

// Start starts a daemon and returns once its program is executed; DaemonStarted
// follows. The error is an *UnknownError, a *RunningError, a *StartError or
// ErrClosed, and then no event follows.
func (m *Manager) Start(ctx context.Context, daemon mesh.DaemonRef) error {
	r, err := m.reserve(daemon)
	if err != nil {
		return err
	}
	spec, err := r.spec.process()
	if err == nil {
		var proc *process.Process
		if proc, err = m.opts.Spawner.Start(ctx, spec); err == nil {
			m.began(r)
			r.started(proc)
			go r.supervise(proc) // Close waits for it through r.over
			return nil
		}
	}
	m.vacate(r)
	close(r.over)
	return &StartError{Daemon: r.spec.Daemon, Err: err}
}

// Stop asks a daemon's process group to end and returns at once; what is left of
// it after grace is killed. Stopping a daemon that does not run succeeds. Asked
// more than once, the earliest deadline counts.
func (m *Manager) Stop(_ context.Context, daemon mesh.DaemonRef, reason string, grace time.Duration) error {
	m.mu.Lock()
	r := m.runs[daemon.ID]
	m.mu.Unlock()
	if r != nil {
		r.stop(reason, grace)
	}
	return nil
}

// Running is one daemon that has a process.
type Running struct {
	Daemon   mesh.DaemonRef
	PID      int
	Since    time.Time
	Stopping bool
}

// Running lists the daemons that have a process, by id.
func (m *Manager) Running() []Running {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Running
	for _, r := range m.runs {
		if pid, stopping := r.state(); pid != 0 {
			out = append(out, Running{Daemon: r.spec.Daemon, PID: pid, Since: r.since, Stopping: stopping})
		}
	}
	slices.SortFunc(out, func(a, b Running) int { return cmp.Compare(a.Daemon.ID, b.Daemon.ID) })
	return out
}

// reserve makes sure that a daemon is started once only. No lock is held while
// its process starts.
func (m *Manager) reserve(daemon mesh.DaemonRef) (*run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	spec, ok := m.specs[daemon.ID]
	if !ok {
		return nil, &UnknownError{Daemon: daemon}
	}
	if r := m.runs[daemon.ID]; r != nil {
		pid, stopping := r.state()
		return nil, &RunningError{Daemon: r.spec.Daemon, PID: pid, Stopping: stopping}
	}
	r := &run{m: m, spec: spec, since: time.Now(), over: make(chan struct{}), out: &output{
		events: m.opts.Events, daemon: daemon.ID,
		dropped: &m.counters.dropped, suppressed: &m.counters.suppressed,
	}}
	m.runs[daemon.ID] = r
	return r, nil
}

// began puts a run behind the one before, whose events come first.
func (m *Manager) began(r *run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before := m.latest[r.spec.Daemon.ID]; before != nil {
		r.before = before.over
	}
	m.latest[r.spec.Daemon.ID] = r
}

// vacate lets the daemon be started again. It comes before the event that makes
// reconcile do so.
func (m *Manager) vacate(r *run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.runs, r.spec.Daemon.ID)
}

// forget ends a run.
func (m *Manager) forget(r *run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest[r.spec.Daemon.ID] == r {
		delete(m.latest, r.spec.Daemon.ID)
	}
	close(r.over)
}

// Counters count since the Manager was made; each grows only.
type Counters struct {
	LinesSuppressed uint64 // a daemon said too much at once
	LinesDropped    uint64 // the loop had no room
	EventsLost      uint64 // starts and ends that the loop never heard of, while closing
}

type counters struct{ suppressed, dropped, lost atomic.Uint64 }

// Counters reads the counters.
func (m *Manager) Counters() Counters {
	return Counters{
		LinesSuppressed: m.counters.suppressed.Load(),
		LinesDropped:    m.counters.dropped.Load(),
		EventsLost:      m.counters.lost.Load(),
	}
}
