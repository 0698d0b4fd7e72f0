package daemon

import (
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// shimWait is how long a shim may take to kill its daemon and to record the end, or to record
// that something of it can't be killed, before it is killed itself: the end is not known then.
const shimWait = 5 * time.Second

// stop asks the process to end, and has it killed after grace. Of several calls the earliest
// deadline counts.
func (r *run) stop(reason string, grace time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.endedBefore {
		return
	}
	deadline := time.Now().Add(max(0, grace))
	if r.stopRequested && !deadline.Before(r.deadline) {
		return
	}
	if !r.stopRequested {
		r.out.note(mesh.LevelInfo, "stopping: %s", reason)
	}
	r.deadline = deadline
	if r.shim == nil {
		r.stopRequested = true // attach does the rest
		if r.giveUp != nil {
			r.giveUp(errStoppedEarly)
		}
	} else if r.terminate() {
		r.stopRequested = true
	}
}

// terminate has the shim send the signals, and reports false if the process had ended before.
// It is called with the lock held.
func (r *run) terminate() bool {
	if !r.signal(syscall.SIGTERM) {
		return false
	}
	grace := time.Until(r.deadline)
	r.m.killers.Go(func() {
		if r.endsWithin(grace) {
			return
		}
		if !r.hasRecordedEnd() {
			r.overdue.Store(true)
			if !r.signal(syscall.SIGUSR1) {
				return
			}
			r.out.note(mesh.LevelWarn, "killed: it did not end when it was asked to")
		}
		if !r.endsWithin(shimWait + r.afterwards()) {
			r.killShim()
		}
	})
	return true
}

// hasRecordedEnd reports whether the process has ended, although its shim has not: it runs the
// commands after the end.
func (r *run) hasRecordedEnd() bool {
	rec, err := r.folder.Load()
	return err == nil && rec.End != nil && rec.End.Afterwards
}

// afterwards returns how long the commands after the end may take.
func (r *run) afterwards() time.Duration {
	if len(r.spec.PostStop.Commands) == 0 {
		return 0
	}
	return r.spec.PostStop.Timeout
}

// endsWithin waits until the run ends or the Manager is closed, and reports whether that was
// within d.
func (r *run) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.ended:
	case <-r.m.ctx.Done():
	case <-timer.C:
		return false
	}
	return true
}

// kill ends the process at once, if it runs.
func (r *run) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.endedBefore || r.shim == nil || r.signal(syscall.SIGUSR1) {
		r.stopRequested = true
	}
}

// killShim kills a shim that does not react to signals, and the daemon with it.
func (r *run) killShim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec, err := r.folder.Load(); err == nil && rec.Main != nil {
		return // it does what it should; the kernel does not let go of what it killed
	}
	if r.shim != nil && r.signal(syscall.SIGKILL) {
		r.killed = true
	}
}
