package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
)

// hooks returns commands as the shim runs them.
func (s Spec) hooks(ctx context.Context, from config.Hooks, in surroundings) (out shim.Hooks, err error) {
	out.Timeout = from.Timeout
	for _, command := range from.Commands {
		p, err := s.process(ctx, command, in)
		if err != nil {
			return shim.Hooks{}, err
		}
		out.Commands = append(out.Commands, shim.Hook{Path: p.Path, Args: p.Args})
	}
	return out, nil
}

// errStoppedEarly means that a daemon was asked to stop while the commands before its start
// were running.
var errStoppedEarly = errors.New("it was asked to stop before it was started")

// launchTime is how long a start may take beside the commands before it.
const launchTime = time.Minute

// startLater starts a daemon that has commands to be run before, which may take a while, and
// supervises it. No action waits for it: what comes of the start is an event.
func (r *run) startLater(request shim.Request) {
	ctx, cancel := context.WithCancelCause(r.m.ctx)
	defer cancel(nil)
	r.mu.Lock()
	r.giveUp = cancel
	if r.stopRequested {
		cancel(errStoppedEarly)
	}
	r.mu.Unlock()
	ctx, done := context.WithTimeout(ctx, request.PreStart.Timeout+launchTime)
	defer done()
	h, response, err := r.m.launch(ctx, request)
	r.m.setLatest(r)
	if err == nil {
		r.m.accept(r.spec.Daemon.ID)
		r.attach(h, response.PID, "started as process %d")
		r.noteUnrecorded(response)
	} else {
		r.mu.Lock()
		r.endedBefore = true
		r.mu.Unlock()
		if errors.Is(err, errHookFailed) {
			r.startEnd = response.Ended
		} else {
			r.startErr = &StartError{Daemon: r.spec.Daemon, Err: err}
		}
	}
	r.supervise()
}

// notStarted returns the last event of a run whose process could not be started, after its
// action had ended.
func (r *run) notStarted() (mesh.Event, mesh.DaemonEnd) {
	if errors.Is(r.startErr, errStoppedEarly) {
		r.out.note(mesh.LevelInfo, "not started: %v", errStoppedEarly)
		return mesh.DaemonExited{Daemon: r.ref()}, mesh.DaemonEnd{}
	}
	reason := r.startErr.Error()
	r.out.note(mesh.LevelWarn, "crashed: %s", reason)
	end := mesh.DaemonEnd{Code: shim.NotStarted, LastLine: plaintext.Clean(reason, maxLast), At: time.Now()}
	return mesh.DaemonCrashed{Daemon: r.ref(), Reason: reason, End: end}, end
}

// hookDecides reports whether it is a failed hook that says how a run ended, and not the end
// of the process.
func hookDecides(end shim.End) bool {
	return end.Hook != nil && (end.Hook.Before || end.StopRequested || end.Exit().Clean())
}

// hookFailed returns the last event of a run of which a hook failed: before the start, so
// that there was no process, or after the end, however that was. Either is a crash, so that
// the restart gate holds for it.
func (r *run) hookFailed(end shim.End, how mesh.DaemonEnd) mesh.DaemonCrashed {
	reason := end.Hook.String()
	r.out.note(mesh.LevelWarn, "crashed: %s", reason)
	return mesh.DaemonCrashed{Daemon: r.ref(), Reason: reason, End: how}
}
