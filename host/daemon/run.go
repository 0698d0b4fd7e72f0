package daemon

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
)

// run is one run of a daemon's process, from the decision to start or adopt it to the last
// event about it, or to the Manager's end.
type run struct {
	m    *Manager
	spec Spec   // when it was started or adopted
	hash string // of what the process was started with
	// fingerprint is that of what was read from files for its environment; "" for nothing.
	fingerprint string
	files       files // when it was started; nil if they are not known
	folder      shim.Folder
	newCheck    chan *health.Check // buffers the newest one until runChecks takes it
	out         *output
	since       time.Time
	// previous is closed when the daemon's previous run is finished; nil if there was none.
	previous    <-chan struct{}
	adopted     bool
	endedBefore bool      // the process had ended before it was adopted, or could not be started
	startErr    error     // why it could not be started
	startEnd    *shim.End // how a command before the start failed
	over        bool      // with endedBefore: the daemon is not started again after that end
	keep        bool      // its record stays, with its end

	ended     chan struct{} // the process and its shim have ended
	announced chan struct{} // the loop took its DaemonStarted
	released  chan struct{} // the daemon may be started again
	finished  chan struct{} // no goroutine works on this run any more
	overdue   atomic.Bool   // it did not end in the time that a stop left it, and is killed

	mu            sync.Mutex
	giveUp        context.CancelCauseFunc // ends the commands before the start; nil if there are none
	shim          *process.Handle         // nil while it is being started, and with endedBefore
	pid           int
	killed        bool // with its shim
	toldStuck     bool // of the follower only
	stopRequested bool
	deadline      time.Time // with stopRequested: when it is killed
}

// attach attaches the process to the run, and asks it to end if that was requested meanwhile.
func (r *run) attach(h *process.Handle, pid int, how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shim, r.pid = h, pid
	r.out.note(mesh.LevelInfo, how, pid)
	if r.stopRequested {
		r.stopRequested = r.terminate()
	}
}

// supervise publishes that the process started, what it prints, how it is and how it ended.
func (r *run) supervise() {
	published := false
	defer func() { r.m.finish(r, published) }()
	var checks sync.WaitGroup
	defer checks.Wait()
	if r.previous != nil {
		select {
		case <-r.previous: // its exit is published before this start
		case <-r.m.ctx.Done():
		}
	}
	if r.endedBefore {
		close(r.ended)
	} else {
		defer r.shim.Close()
		var wait sync.WaitGroup
		defer wait.Wait()
		wait.Go(func() {
			if r.shim.Wait(r.m.ctx) == nil {
				close(r.ended)
			}
		})
		pid, _ := r.state()
		if !r.m.publish(mesh.DaemonStarted{Daemon: r.ref(), PID: int64(pid), Config: r.hash, Since: r.since.Round(0)}) {
			return
		}
		close(r.announced)
		ctx, stop := context.WithCancel(r.m.ctx)
		defer stop()
		wait.Go(func() { // a running check ends with the process
			select {
			case <-r.ended:
				stop()
			case <-ctx.Done():
			}
		})
		checks.Go(func() { r.runChecks(ctx) })
		checks.Go(func() { r.watchEnvironment(ctx) })
	}
	if !r.follow() {
		return
	}
	checks.Wait() // no health is published after the end
	last, end, known := r.lastEvent()
	if !known {
		return // the next Manager ends what is left, and tells
	}
	if _, crashed := last.(mesh.DaemonCrashed); crashed {
		r.m.fell(r)
	}
	r.m.release(r)
	published = r.m.publish(last)
	r.keep = published && r.finishes(end)
}

// finishes reports whether the daemon is not started again after an end.
func (r *run) finishes(end mesh.DaemonEnd) bool {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	spec, known := r.m.specs[r.spec.Daemon.ID]
	return known && spec.Restart.Finishes(end) && end.Config == spec.hash()
}

// lastEvent returns the last event of the run and the end that it reports, once nothing is left
// of the run but what may go on. It returns false if the Manager was closed before.
func (r *run) lastEvent() (mesh.Event, mesh.DaemonEnd, bool) {
	if r.startErr != nil {
		event, end := r.notStarted()
		return event, end, true
	}
	if r.startEnd != nil {
		event, end := r.eventOf(*r.startEnd, true)
		return event, end, true
	}
	rec, err := r.folder.Load()
	r.mu.Lock()
	killed := r.killed
	r.mu.Unlock()
	here := err == nil && rec.Shim.Here()
	if err == nil && rec.End == nil && here && !r.endRemains(rec) {
		return nil, mesh.DaemonEnd{}, false
	}
	r.m.setStuck(r.spec.Daemon.ID, 0)
	exited := func(end mesh.DaemonEnd) (mesh.Event, mesh.DaemonEnd, bool) {
		return mesh.DaemonExited{Daemon: r.ref(), End: end}, end, true
	}
	recorded := func(end shim.End) (mesh.Event, mesh.DaemonEnd, bool) {
		event, how := r.eventOf(end, here)
		return event, how, true
	}
	switch {
	case err == nil && rec.End != nil:
		r.m.goesOn(r, rec.End.Left)
		return recorded(*rec.End)
	case err == nil && rec.Main != nil:
		return recorded(*rec.Main)
	case !killed && r.toldByShim():
		exit, _ := r.shim.Exit()
		end := shim.EndOf(exit.Code)
		end.StopRequested = r.wasStopped()
		here = true
		return recorded(end)
	case killed:
		r.out.note(mesh.LevelInfo, "ended: it and its supervising process were killed")
		return exited(mesh.DaemonEnd{Code: -1, Signal: "SIGKILL", At: time.Now(), Asked: true})
	case err == nil && !here:
		r.out.note(mesh.LevelInfo, "ended: the machine or its container was started again")
		return exited(mesh.DaemonEnd{}) // when is not known
	}
	reason := "its supervising process was killed, and the daemon with it"
	if _, stopped := r.state(); stopped && err != nil {
		r.out.note(mesh.LevelInfo, "ended: how is not known, because it had no record")
		return exited(mesh.DaemonEnd{Code: -1, At: time.Now(), Asked: true})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		reason = "how it ended is unknown: " + err.Error()
	}
	r.out.note(mesh.LevelWarn, "crashed: %s", reason)
	end := mesh.DaemonEnd{Code: -1, At: time.Now(), Config: r.hash}
	return mesh.DaemonCrashed{Daemon: r.ref(), Reason: reason, End: end}, end, true
}

// toldByShim reports whether the shim, which could not write to the disk, told by its exit code
// how the daemon ended.
func (r *run) toldByShim() bool {
	if r.shim == nil {
		return false
	}
	exit, known := r.shim.Exit()
	return known && exit.Signal == 0
}

func (r *run) wasStopped() bool {
	_, stopped := r.state()
	return stopped
}

// eventOf returns the last event of a run whose end was recorded, and the end.
func (r *run) eventOf(end shim.End, here bool) (mesh.Event, mesh.DaemonEnd) {
	exit := end.Exit()
	config := r.hash
	if !here {
		config = ""
	}
	how := endOf(end, config)
	if end.Told { // it has been logged and, if it was a crash, counted
		return mesh.DaemonExited{Daemon: r.ref(), End: how}, how
	}
	if end.Lost > 0 {
		r.out.lost(end.Lost, end.LostWhy)
	}
	switch {
	case hookDecides(end):
		return r.hookFailed(end, how), how
	case end.Hook != nil:
		r.out.note(mesh.LevelWarn, "failed: %s", end.Hook)
	}
	if ran := end.Ran; exit.Clean() && !end.StopRequested && ran > 0 && r.spec.Restart == mesh.RestartAlways && ran < r.spec.StableRun {
		how.Early = ran
		r.out.note(mesh.LevelWarn, "crashed: it %s, and nobody had asked it to", how.Status())
		return mesh.DaemonCrashed{Daemon: r.ref(), Reason: how.Status(), End: how}, how
	}
	if end.StopRequested || exit.Clean() {
		r.out.note(mesh.LevelInfo, "ended: %v", exit)
		return mesh.DaemonExited{Daemon: r.ref(), End: how}, how
	}
	reason := exit.String()
	if how.LastLine != "" {
		reason += ": " + how.LastLine
	}
	r.out.note(mesh.LevelWarn, "crashed: %s", reason)
	return mesh.DaemonCrashed{Daemon: r.ref(), Reason: reason, End: how}, how
}

// endOf returns a recorded end, of a process that was started with a configuration.
func endOf(end shim.End, config string) mesh.DaemonEnd {
	if hookDecides(end) {
		h := end.Hook
		return mesh.DaemonEnd{
			Code: int32(h.Code), Signal: unix.SignalName(h.Signal), LastLine: h.Last(), At: end.At,
			Asked: end.StopRequested, Config: config,
		}
	}
	return mesh.DaemonEnd{
		Code: int32(end.Code), Signal: unix.SignalName(end.Signal), LastLine: plaintext.Clean(end.LastError, maxLast),
		At: end.At, Asked: end.StopRequested, Config: config,
	}
}

// alive reports whether its process has not ended.
func (r *run) alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// handle returns its shim; nil if it has none.
func (r *run) handle() *process.Handle {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shim
}

// state returns what a second start reports.
func (r *run) state() (pid int, stopping bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pid, r.stopRequested
}

// adopting reports whether it was adopted and the loop has not taken its DaemonStarted yet.
func (r *run) adopting() bool {
	if !r.adopted {
		return false
	}
	select {
	case <-r.announced:
		return false
	default:
		return true
	}
}

// signal sends a signal to the shim, and reports false if the shim has ended.
func (r *run) signal(sig syscall.Signal) bool {
	sent := !errors.Is(r.shim.Signal(sig), process.ErrGone)
	_ = r.shim.Signal(syscall.SIGCONT) // a stopped one would not react
	return sent
}
