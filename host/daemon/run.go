package daemon

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// run is one life of a daemon's process, from the wish to start it to the last
// event about it.
type run struct {
	m     *Manager
	spec  Spec // as it was at the start
	out   *output
	since time.Time
	// before is closed when the last event of the run before was taken; nil if
	// there was none.
	before <-chan struct{}
	// over is closed when nothing of this run is left.
	over chan struct{}

	mu       sync.Mutex
	proc     *process.Process // nil while it is being started
	asked    bool             // to end
	deadline time.Time        // once asked: when it is killed
}

// started takes the process over. It was perhaps asked to end meanwhile.
func (r *run) started(proc *process.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proc = proc
	r.out.say(mesh.LevelInfo, "started as process %d", proc.Pid())
	if r.asked {
		r.asked = r.terminate()
	}
}

// stop asks the process to end, and has it killed after grace. Asked more than
// once, the earliest deadline counts.
func (r *run) stop(reason string, grace time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	deadline := time.Now().Add(max(0, grace))
	if r.asked && !deadline.Before(r.deadline) {
		return
	}
	if !r.asked {
		r.out.say(mesh.LevelInfo, "stopping: %s", reason)
	}
	r.deadline = deadline
	if r.proc == nil {
		r.asked = true // and started does the rest
	} else if r.terminate() {
		r.asked = true
	}
}

// terminate sends the signals. It is called with the lock held, and gives false
// for a process that had ended before.
func (r *run) terminate() bool {
	if errors.Is(r.proc.Signal(syscall.SIGTERM), os.ErrProcessDone) {
		return false
	}
	_ = r.proc.Signal(syscall.SIGCONT) // or a stopped one would not hear it
	proc, grace := r.proc, time.Until(r.deadline)
	r.m.killers.Go(func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-proc.Done():
		case <-timer.C:
			if proc.Signal(syscall.SIGKILL) == nil {
				r.out.say(mesh.LevelWarn, "killed: it did not end when it was asked to")
			}
		}
	})
	return true
}

// kill ends the process at once, if it runs.
func (r *run) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil || r.proc.Signal(syscall.SIGKILL) == nil {
		r.asked = true
	}
}

// supervise reads what the process prints, and says that it began and how it ended.
func (r *run) supervise(proc *process.Process) {
	defer r.m.forget(r)
	var readers sync.WaitGroup
	readers.Go(func() { r.out.read(proc.Stdout(), mesh.LevelInfo) })
	readers.Go(func() { r.out.read(proc.Stderr(), mesh.LevelWarn) })

	if r.before != nil {
		<-r.before // its exit was heard of before this start
	}
	r.m.tell(mesh.DaemonStarted{Daemon: r.spec.Daemon})
	<-proc.Done()
	readers.Wait()
	r.out.end()
	last := r.ending(proc.Exit())
	r.m.vacate(r)
	r.m.tell(last)
}

// ending gives the last event of the run.
func (r *run) ending(exit process.Exit) mesh.Event {
	r.mu.Lock()
	asked := r.asked
	r.mu.Unlock()
	if asked || exit.Clean() {
		r.out.say(mesh.LevelInfo, "ended: %v", exit)
		return mesh.DaemonExited{Daemon: r.spec.Daemon}
	}
	reason := exit.String()
	if line := r.out.lastError(); line != "" {
		reason += ": " + line
	}
	r.out.say(mesh.LevelWarn, "crashed: %s", reason)
	return mesh.DaemonCrashed{Daemon: r.spec.Daemon, Reason: reason}
}

// state gives what a second start is told.
func (r *run) state() (pid int, stopping bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc != nil {
		pid = r.proc.Pid()
	}
	return pid, r.asked
}
