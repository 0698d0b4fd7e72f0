package daemon

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// run is one life of a daemon's process, from the wish to start or adopt it to the
// last event about it, or to the Manager's end.
type run struct {
	m      *Manager
	spec   Spec   // as it was at the start, or is at the adoption
	hash   string // of what the process was started with
	folder shim.Folder
	check  chan *health.Check // holds the newest one that nobody asks by yet
	out    *output
	since  time.Time
	// before is closed when the last event of the run before was taken; nil if
	// there was none.
	before  <-chan struct{}
	adopted bool
	late    bool // it had ended before it was adopted

	ended   chan struct{} // the process and its shim have ended
	told    chan struct{} // the loop took that it began
	vacated chan struct{} // it may be started again
	over    chan struct{} // nothing of this run is left here

	mu       sync.Mutex
	shim     *process.Handle // nil while it is being started, and if it is late
	pid      int
	killed   bool      // it is to be killed with its shim
	asked    bool      // to end
	deadline time.Time // once asked: when it is killed
}

// started takes the process over. It was perhaps asked to end meanwhile.
func (r *run) started(h *process.Handle, pid int, how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shim, r.pid = h, pid
	r.out.say(mesh.LevelInfo, how, pid)
	if r.asked {
		r.asked = r.terminate()
	}
}

// supervise reads what the process prints, and says that it began, how it is and how
// it ended.
func (r *run) supervise() {
	heard := false
	defer func() { r.m.forget(r, heard) }()
	var asking sync.WaitGroup
	defer asking.Wait()
	if r.before != nil {
		select {
		case <-r.before: // its exit was heard of before this start
		case <-r.m.ctx.Done():
		}
	}
	if r.late {
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
		if !r.m.tell(mesh.DaemonStarted{Daemon: r.named()}) {
			return
		}
		close(r.told)
		ctx, stop := context.WithCancel(r.m.ctx)
		defer stop()
		wait.Go(func() { // a check that is under way ends with the process
			select {
			case <-r.ended:
				stop()
			case <-ctx.Done():
			}
		})
		asking.Go(func() { r.checks(ctx) })
	}
	if !r.follow() {
		return
	}
	asking.Wait() // its health is not told after its end
	last := r.ending()
	r.m.vacate(r)
	heard = r.m.tell(last)
}

// ending gives the last event of the run.
func (r *run) ending() mesh.Event {
	rec, err := r.folder.Load()
	r.mu.Lock()
	killed := r.killed
	r.mu.Unlock()
	boot, bootErr := process.BootID()
	sameBoot := bootErr == nil && rec.Shim.Boot == boot
	if err == nil && rec.End == nil && sameBoot {
		sweep(rec)
	}
	switch {
	case err == nil && rec.End != nil:
		return r.endingOf(*rec.End)
	case killed:
		r.out.say(mesh.LevelInfo, "ended: it and its supervising process were killed")
		return mesh.DaemonExited{Daemon: r.named()}
	case err == nil && bootErr == nil && !sameBoot:
		r.out.say(mesh.LevelInfo, "ended: the machine was started again")
		return mesh.DaemonExited{Daemon: r.named()}
	}
	reason := "its supervising process was killed, and it with that"
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		reason = "how it ended is not known: " + err.Error()
	}
	r.out.say(mesh.LevelWarn, "crashed: %s", reason)
	return mesh.DaemonCrashed{Daemon: r.named(), Reason: reason}
}

// sweep kills what is left of a daemon whose shim has ended without a word: children
// of its own do not die with the shim, which is perhaps still to be collected by
// whoever inherited it. If the shim's pid is somebody else's by now, the session of
// that number is too, and nothing of ours is left in it.
func sweep(rec shim.Record) {
	id, err := process.Identify(rec.Shim.PID)
	if errors.Is(err, process.ErrGone) || err == nil && id == rec.Shim {
		process.KillGroup(rec.Shim.PID, rec.Process.PID)
	}
}

// endingOf gives the last event of a run whose end was noted.
func (r *run) endingOf(end shim.End) mesh.Event {
	exit := end.Exit()
	if end.Asked || exit.Clean() {
		r.out.say(mesh.LevelInfo, "ended: %v", exit)
		return mesh.DaemonExited{Daemon: r.named()}
	}
	reason := exit.String()
	if end.LastError != "" {
		reason += ": " + short(end.LastError)
	}
	r.out.say(mesh.LevelWarn, "crashed: %s", reason)
	return mesh.DaemonCrashed{Daemon: r.named(), Reason: reason}
}

// alive says whether its process has not ended.
func (r *run) alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// state gives what a second start is told.
func (r *run) state() (pid int, stopping bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pid, r.asked
}

// adopting says whether it was found and the loop has not heard of it yet.
func (r *run) adopting() bool {
	if !r.adopted {
		return false
	}
	select {
	case <-r.told:
		return false
	default:
		return true
	}
}

// signal sends a signal to the shim; false if that has ended.
func (r *run) signal(sig syscall.Signal) bool {
	sent := !errors.Is(r.shim.Signal(sig), process.ErrGone)
	_ = r.shim.Signal(syscall.SIGCONT) // or a stopped one would not hear it
	return sent
}
