package daemon

import (
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// stop asks the process to end, and has it killed after grace. Asked more than
// once, the earliest deadline counts.
func (r *run) stop(reason string, grace time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late {
		return
	}
	deadline := time.Now().Add(max(0, grace))
	if r.asked && !deadline.Before(r.deadline) {
		return
	}
	if !r.asked {
		r.out.say(mesh.LevelInfo, "stopping: %s", reason)
	}
	r.deadline = deadline
	if r.shim == nil {
		r.asked = true // and started does the rest
	} else if r.terminate() {
		r.asked = true
	}
}

// terminate has the shim send the signals. It is called with the lock held, and
// gives false for a process that had ended before.
func (r *run) terminate() bool {
	if !r.signal(syscall.SIGTERM) {
		return false
	}
	grace := time.Until(r.deadline)
	r.m.killers.Go(func() {
		if r.endsWithin(grace) || !r.signal(syscall.SIGUSR1) {
			return
		}
		r.out.say(mesh.LevelWarn, "killed: it did not end when it was asked to")
		if !r.endsWithin(killedWait) {
			r.killShim()
		}
	})
	return true
}

// endsWithin says whether the run ends in that time, or need not be waited for any
// more since the Manager is closed.
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
	if r.late || r.shim == nil || r.signal(syscall.SIGUSR1) {
		r.asked = true
	}
}

// killShim kills a shim that does not do what it is told, and the daemon with it.
func (r *run) killShim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shim != nil && r.signal(syscall.SIGKILL) {
		r.killed = true
	}
}
