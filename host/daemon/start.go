package daemon

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Start starts a daemon and returns once its program is executed; DaemonStarted follows. If
// there are commands to be run before, it returns before them, and whatever comes of the start
// is an event. It succeeds for a daemon that was adopted and whose DaemonStarted the loop has
// not taken yet, and for one that has finished and whose DaemonExited the loop has not taken yet.
// The error is an *UnknownError, a *RunningError, a *StartError or ErrClosed, and then no
// event follows.
func (m *Manager) Start(ctx context.Context, daemon mesh.DaemonRef) error {
	for {
		r, running, err := m.reserve(daemon)
		if err != nil {
			return err
		}
		if r != nil {
			return m.startReserved(ctx, r)
		}
		if running == nil {
			return &justOverError{daemon}
		}
		// The daemon is being adopted, or the last lines of its previous run are not
		// published yet.
		if running.over {
			return nil // the loop hears of its end soon, and does not want it any more
		}
		announced := running.announced
		if !running.alive() {
			announced = nil
		}
		select {
		case <-announced:
			return nil
		case <-running.released:
		case <-m.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return &StartError{Daemon: running.spec.Daemon, Err: context.Cause(ctx)}
		}
	}
}

// justOverError defers a start that may have been decided before the loop heard that the daemon's
// work was over. Before it is tried again the loop is asked whether it still wants it.
type justOverError struct{ daemon mesh.DaemonRef }

func (e *justOverError) Error() string {
	return fmt.Sprintf("daemon %s: its work was over when the node began, which the node's loop may not know yet", e.daemon)
}

// RetryAfter returns when the start may be tried again.
func (e *justOverError) RetryAfter() time.Duration { return 100 * time.Millisecond }

// startWithin is how long a start may take. One whose file system does not answer must not
// keep others from being started: only so many are at once.
const startWithin = 10 * time.Second

// startReserved starts a run that was reserved.
func (m *Manager) startReserved(ctx context.Context, r *run) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(m.ctx, func() { cancel(ErrClosed) })()
	ctx, over := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("it was not executed within %v", startWithin))
	defer over()
	_, err := r.spec.wrong(ctx) // what is wrong, and does not hang, the start itself says best
	var request shim.Request
	if err == nil {
		request, err = r.request(ctx)
	}
	if err == nil {
		request.StopGrace = cmp.Or(request.StopGrace, m.opts.StopGrace)
		request.Unmet = m.confine(r.spec, &request)
		m.setUnmet(r, request.Unmet, true)
		r.files = filesOf(ctx, request.Path, request.Args)
		request.Local = r.files[request.Path].Local && isLocal(ctx, request.Dir)
		if len(request.PreStart.Commands) > 0 {
			go r.startLater(request) // Close waits for it through r.finished
			return nil
		}
		var h *process.Handle
		var response shim.Response
		if h, response, err = m.launch(ctx, request); err == nil {
			m.accept(r.spec.Daemon.ID)
			m.setLatest(r)
			r.attach(h, response.PID, "started as process %d")
			r.noteUnrecorded(response)
			go r.supervise() // Close waits for it through r.finished
			return nil
		}
	}
	m.release(r)
	close(r.finished)
	m.look([]Spec{r.spec}) // then it is not tried again before what it lacks is there
	return &StartError{Daemon: r.spec.Daemon, Err: err}
}

// noteUnrecorded logs that the run has no record, if it has none.
func (r *run) noteUnrecorded(response shim.Response) {
	if response.Unrecorded {
		r.out.note(mesh.LevelWarn, "it has no record: %s can't be written; free space there, or make it writable", r.folder)
	}
}

// request returns what the shim is to start, as it is found now.
func (r *run) request(ctx context.Context) (shim.Request, error) {
	in, err := r.spec.surroundings(ctx)
	if err != nil {
		return shim.Request{}, err
	}
	request, err := r.spec.request(ctx, in)
	r.fingerprint = r.m.fingerprint(r.spec.Daemon.ID, in.read)
	request.Environment = r.fingerprint
	return request, err
}

// reserve makes sure that a daemon is started only once, although no lock is held while its
// process starts. It returns the run to start, or a run to wait for, or neither if the
// loop may not know yet that the daemon's work is over.
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
	until, over := m.justOver[daemon.ID]
	delete(m.justOver, daemon.ID)
	if over && time.Now().Before(until) {
		return nil, nil, nil
	}
	r = m.newRun(spec)
	m.runs[daemon.ID] = r
	return r, nil, nil
}

func (m *Manager) newRun(spec Spec) *run {
	return &run{
		m: m, spec: spec, hash: spec.hash(), newCheck: make(chan *health.Check, 1),
		folder: shim.FolderOf(m.opts.Dir, spec.Daemon.ID), since: time.Now(),
		ended: make(chan struct{}), announced: make(chan struct{}), released: make(chan struct{}), finished: make(chan struct{}),
		out: &output{
			daemon: spec.Daemon.ID, suppressed: &m.suppressed,
			publish:    func(l mesh.LogLine) bool { return m.publish(l) },
			tryPublish: func(l mesh.LogLine) { _ = m.opts.Events.TryPublish(l) },
		},
	}
}
