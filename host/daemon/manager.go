package daemon

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Events takes what there is to say about daemons, into the loop.
type Events interface {
	// Publish waits for room until ctx ends. It wraps ErrUnheard when nobody takes
	// events any more.
	Publish(ctx context.Context, ev mesh.Event) error
	// TryPublish fails at once when there is none.
	TryPublish(ev mesh.Event) error
}

// Options are what a Manager works with.
type Options struct {
	// Dir holds a folder for each daemon. It belongs to one Manager at a time.
	Dir string
	// Shim is the command line of the program that supervises one daemon: it calls
	// shim.Main with one more argument, which is added to this.
	Shim    []string
	Spawner *process.Spawner // for health checks; stays the caller's, who closes it after the Manager
	Events  Events
	// StopGrace is what a daemon gets to end that is not configured any more. 0 is 30 s.
	StopGrace time.Duration
	// CloseGrace is at most what all daemons together get to end in StopAll. 0 is 3 s.
	CloseGrace time.Duration
	// Log, if set, hears of events that nobody took.
	Log *slog.Logger
}

// Manager runs this node's daemons. Its methods may be called from any goroutine.
type Manager struct {
	opts       Options
	ctx        context.Context // of everything that goes on here; ends with Close
	cancel     context.CancelFunc
	watcher    func() *spool.Watcher // started when it is needed first
	suppressed atomic.Uint64
	killers    sync.WaitGroup

	mu       sync.Mutex
	stopping bool // StopAll or Close was called
	closed   bool
	specs    map[mesh.DaemonID]Spec
	runs     map[mesh.DaemonID]*run // whose processes have not ended
	latest   map[mesh.DaemonID]*run // whose events were not all taken
}

// New gives a Manager without daemons. Configure it, let it Adopt, and Close it.
func New(o Options) *Manager {
	if o.StopGrace <= 0 {
		o.StopGrace = 30 * time.Second
	}
	if o.CloseGrace <= 0 {
		o.CloseGrace = 3 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		opts:    o,
		watcher: sync.OnceValue(spool.NewWatcher),
		specs:   make(map[mesh.DaemonID]Spec),
		runs:    make(map[mesh.DaemonID]*run),
		latest:  make(map[mesh.DaemonID]*run),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Configure replaces what is known of daemons. It starts and stops nothing: a
// daemon that runs keeps what it was started with until it ends, which is said, also
// one that is no longer known; reconcile stops that. Only how its health is asked for
// changes at once. Of one that neither runs nor is known any more the folder goes.
func (m *Manager) Configure(specs []Spec) {
	known := make(map[mesh.DaemonID]Spec, len(specs))
	for _, s := range specs {
		known[s.Daemon.ID] = s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.specs
	m.specs = known
	for id, old := range before {
		now, still := known[id]
		r := m.runs[id]
		switch {
		case still && r != nil:
			r.reconfigure(old, now)
		case !still && r == nil && m.latest[id] == nil:
			m.removed(old.Daemon, shim.FolderOf(m.opts.Dir, id).Remove())
		}
	}
}

// Start starts a daemon and returns once its program is executed; DaemonStarted
// follows. One that was adopted and whose DaemonStarted is still on its way is
// started already. The error is an *UnknownError, a *RunningError, a *StartError or
// ErrClosed, and then no event follows.
func (m *Manager) Start(ctx context.Context, daemon mesh.DaemonRef) error {
	for {
		r, running, err := m.reserve(daemon)
		if err != nil {
			return err
		}
		if r != nil {
			return m.begin(ctx, r)
		}
		// What an earlier node started is being taken over, or the last lines of the
		// run before are still on their way.
		told := running.told
		if !running.alive() {
			told = nil
		}
		select {
		case <-told:
			return nil
		case <-running.vacated:
		case <-m.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return &StartError{Daemon: running.spec.Daemon, Err: context.Cause(ctx)}
		}
	}
}

// begin starts what was reserved.
func (m *Manager) begin(ctx context.Context, r *run) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(m.ctx, func() { cancel(ErrClosed) })()
	order, err := r.spec.order()
	if err == nil {
		var h *process.Handle
		var pid int
		if h, pid, err = m.launch(ctx, order); err == nil {
			m.began(r)
			r.started(h, pid, "started as process %d")
			go r.supervise() // Close waits for it through r.over
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
		if pid, stopping := r.state(); pid != 0 && r.alive() {
			out = append(out, Running{Daemon: r.spec.Daemon, PID: pid, Since: r.since, Stopping: stopping})
		}
	}
	slices.SortFunc(out, func(a, b Running) int { return cmp.Compare(a.Daemon.ID, b.Daemon.ID) })
	return out
}

// reserve makes sure that a daemon is started once only. No lock is held while its
// process starts. It gives the run that is to begin, or one to wait for.
func (m *Manager) reserve(daemon mesh.DaemonRef) (r, pending *run, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return nil, nil, ErrClosed
	}
	spec, ok := m.specs[daemon.ID]
	if !ok {
		return nil, nil, &UnknownError{Daemon: daemon}
	}
	if r := m.runs[daemon.ID]; r != nil {
		if r.adopting() || !r.alive() {
			return nil, r, nil
		}
		pid, stopping := r.state()
		return nil, nil, &RunningError{Daemon: r.spec.Daemon, PID: pid, Stopping: stopping}
	}
	r = m.newRun(spec)
	m.runs[daemon.ID] = r
	return r, nil, nil
}

func (m *Manager) newRun(spec Spec) *run {
	return &run{
		m: m, spec: spec, hash: spec.hash(), check: make(chan *health.Check, 1),
		folder: shim.FolderOf(m.opts.Dir, spec.Daemon.ID), since: time.Now(),
		ended: make(chan struct{}), told: make(chan struct{}), vacated: make(chan struct{}), over: make(chan struct{}),
		out: &output{
			daemon: spec.Daemon.ID, suppressed: &m.suppressed,
			put: func(l mesh.LogLine) bool { return m.tell(l) },
			try: func(l mesh.LogLine) { _ = m.opts.Events.TryPublish(l) },
		},
	}
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
	if m.runs[r.spec.Daemon.ID] == r {
		delete(m.runs, r.spec.Daemon.ID)
		close(r.vacated)
	}
}

// forget ends a run. Its record goes when the loop has heard of its end and no later
// run has one in its place; the whole folder goes with a daemon that nobody
// configures any more.
func (m *Manager) forget(r *run, heard bool) {
	id := r.spec.Daemon.ID
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest[id] == r {
		delete(m.latest, id)
	}
	if _, known := m.specs[id]; heard && m.runs[id] == nil {
		if known {
			m.removed(r.spec.Daemon, r.folder.Forget())
		} else {
			m.removed(r.spec.Daemon, r.folder.Remove())
		}
	}
	close(r.over)
}

// removed says why files of a daemon are still there, if they are.
func (m *Manager) removed(daemon mesh.DaemonRef, err error) {
	if err != nil {
		m.opts.Log.Warn("what is left of a daemon could not be removed", "daemon", daemon, "error", err)
	}
}

// Suppressed counts the lines that were left out because a daemon said too much at
// once, since the Manager was made.
func (m *Manager) Suppressed() uint64 { return m.suppressed.Load() }
