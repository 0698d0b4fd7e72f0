package daemon

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Events takes events of daemons into the loop.
type Events interface {
	// Publish waits while the loop's queue is full, until ctx ends. Its error wraps
	// ErrEventsClosed once the loop takes no more events.
	Publish(ctx context.Context, ev mesh.Event) error
	// TryPublish fails at once if the queue is full.
	TryPublish(ev mesh.Event) error
}

// Options are what New needs.
type Options struct {
	// Node is this node.
	Node mesh.NodeID
	// Dir holds a folder for each daemon. It belongs to one Manager at a time.
	Dir string
	// Shim is the command line of the program that supervises one daemon: it calls
	// shim.Main with one more argument, which is added to this.
	Shim []string
	// Program, if set, is what shims execute instead of the first word of Shim. The caller closes
	// it after the Manager.
	Program *process.Program
	// CopyShim has shims execute a copy of this process's own binary, which Shim has to be, so
	// that the file can be replaced while they run. It is for a Manager without Program.
	CopyShim bool
	Spawner  *process.Spawner // for health checks; the caller closes it after the Manager
	Events   Events
	// Recorded, if set, returns how far the output of daemons was recorded when the node started.
	// What is recorded after that is told to the Manager's Recorded.
	Recorded func() map[mesh.DaemonID]mesh.OutputPlace
	// StopGrace is how long a daemon that is no longer configured gets to end. 0 is 30 s.
	StopGrace time.Duration
	// CloseGrace is how long all daemons together get to end in StopAll, at most. 0 is 3 s.
	CloseGrace time.Duration
	// Failure, if set, takes what is wrong with a daemon and needs a person. It does not wait.
	Failure func(daemon mesh.DaemonRef, reason string)
	// Cgroups is where daemons get control groups; nil for nowhere.
	Cgroups *cgroup.Parent
	// Log, if set, receives what the loop did not take and what could not be removed.
	Log *slog.Logger
}

// Manager runs this node's daemons. Its methods may be called from any goroutine.
type Manager struct {
	opts       Options
	ctx        context.Context // of all goroutines; ends with Close
	cancel     context.CancelFunc
	watcher    func() *spool.Watcher // started at its first use
	secretsKey func() []byte         // read at its first use
	suppressed atomic.Uint64
	killers    sync.WaitGroup
	lookers    sync.WaitGroup
	copying    sync.Once
	program    *process.Program // that shims execute; nil for Shim itself

	mu       sync.Mutex
	stopping bool // StopAll or Close was called
	closed   bool
	specs    map[mesh.DaemonID]Spec
	runs     map[mesh.DaemonID]*run // the run of each daemon until it is released
	// Daemons whose run was over before it was adopted, for which a start may still come that
	// the loop decided before it heard of that; and until when.
	justOver map[mesh.DaemonID]time.Time
	latest   map[mesh.DaemonID]*run // the newest run of each daemon until it is finished

	lastRecorded func() map[mesh.DaemonID]mesh.OutputPlace // read at its first use
	delivered    map[mesh.DaemonID]*delivered              // of each daemon whose output was read
	unrecorded   unrecorded

	left     map[mesh.DaemonID][]process.Identity // what goes on without its daemon
	stuck    map[mesh.DaemonID]int                // how much of a daemon was killed and does not end
	unmet    map[mesh.DaemonID]string             // limits that can't be enforced
	counting bool                                 // countLeft runs

	adopted   bool                     // Adopt was called
	rejected  map[mesh.DaemonID]string // the daemons that the loop knows as rejected, with the reason
	retryLook bool                     // the loop did not take whether a daemon is rejected
	looking   bool                     // lookAgain runs
	fallen    map[mesh.DaemonID]*fallen
}

// New returns a Manager without daemons. Configure it, let it Adopt, and Close it.
func New(o Options) *Manager {
	if o.StopGrace <= 0 {
		o.StopGrace = 30 * time.Second
	}
	if o.CloseGrace <= 0 {
		o.CloseGrace = 3 * time.Second
	}
	if o.Recorded == nil {
		o.Recorded = func() map[mesh.DaemonID]mesh.OutputPlace { return nil }
	}
	if o.Failure == nil {
		o.Failure = func(mesh.DaemonRef, string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		opts:     o,
		watcher:  sync.OnceValue(spool.NewWatcher),
		specs:    make(map[mesh.DaemonID]Spec),
		runs:     make(map[mesh.DaemonID]*run),
		justOver: make(map[mesh.DaemonID]time.Time),
		latest:   make(map[mesh.DaemonID]*run),

		left: make(map[mesh.DaemonID][]process.Identity), stuck: make(map[mesh.DaemonID]int),
		unmet:    make(map[mesh.DaemonID]string),
		rejected: make(map[mesh.DaemonID]string),
		fallen:   make(map[mesh.DaemonID]*fallen),
	}
	m.unrecorded.changed = make(chan struct{})
	m.delivered = make(map[mesh.DaemonID]*delivered)
	m.lastRecorded = sync.OnceValue(o.Recorded)
	m.secretsKey = sync.OnceValue(m.loadSecretsKey)
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Stop asks a daemon's process group to end and returns at once; what is left of it after
// grace is killed. Stopping a daemon that does not run succeeds. Of several calls the
// earliest deadline counts.
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

// Running returns the daemons that have a process, ordered by id.
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

// setLatest makes a run the latest of its daemon. The events of the previous run come first.
func (m *Manager) setLatest(r *run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before := m.latest[r.spec.Daemon.ID]; before != nil {
		r.previous = before.finished
	}
	m.latest[r.spec.Daemon.ID] = r
}

// staleStart is how long after the end of a run that was over already a start may come that
// was decided before the loop heard of it. It is deferred, and so is one that is meant.
const staleStart = 10 * time.Second

// release lets the daemon be started again. It is called before the event that makes
// reconcile start it.
func (m *Manager) release(r *run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs[r.spec.Daemon.ID] == r {
		delete(m.runs, r.spec.Daemon.ID)
		close(r.released)
		if r.over {
			m.justOver[r.spec.Daemon.ID] = time.Now().Add(staleStart)
		}
	}
}

// finish ends a run. If the loop took the event of its end and no later run has begun, its
// record is removed; if the daemon is no longer configured, its whole folder is.
func (m *Manager) finish(r *run, published bool) {
	id := r.spec.Daemon.ID
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest[id] == r {
		delete(m.latest, id)
	}
	if _, known := m.specs[id]; published && m.runs[id] == nil {
		switch {
		case known && r.keep:
			m.logKeeping(r.spec.Daemon, r.folder.KeepEnd())
		case known:
			m.logRemoval(r.spec.Daemon, r.folder.RemoveRecord())
		default:
			delete(m.delivered, id)
			m.logRemoval(r.spec.Daemon, r.folder.Remove())
		}
	}
	close(r.finished)
}

// logKeeping logs why the end of a daemon could not be kept, if err is not nil.
func (m *Manager) logKeeping(daemon mesh.DaemonRef, err error) {
	if err != nil {
		m.opts.Log.Warn("that a daemon has finished could not be noted, so the next run of the node reports its end again", "daemon", daemon, "error", err)
	}
}

// logRemoval logs why files of a daemon could not be removed, if err is not nil.
func (m *Manager) logRemoval(daemon mesh.DaemonRef, err error) {
	if err != nil {
		m.opts.Log.Warn("files of a daemon could not be removed", "daemon", daemon, "error", err)
	}
}

// Suppressed returns how many lines were left out, since the Manager was made, because a
// daemon printed too many at once.
func (m *Manager) Suppressed() uint64 { return m.suppressed.Load() }
