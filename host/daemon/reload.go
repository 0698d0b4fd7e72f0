package daemon

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
)

// reloadWithin is how long a reload_command has. The daemon is not stopped meanwhile.
const reloadWithin = 10 * time.Second

// NotRunningError means that there is no process to send a signal to.
type NotRunningError struct{ Daemon mesh.DaemonRef }

// Error implements error.
func (e *NotRunningError) Error() string { return fmt.Sprintf("daemon %v does not run", e.Daemon) }

// Reload has a daemon read its own configuration again, as its entry says: by a signal, or by
// a command, for whose end it waits. What the command prints goes into the node's log.
func (m *Manager) Reload(ctx context.Context, daemon mesh.DaemonRef) error {
	r, spec, err := m.running(daemon)
	if err != nil {
		return err
	}
	switch {
	case spec.ReloadSignal != "":
		return m.Signal(ctx, daemon, spec.ReloadSignal)
	case len(spec.ReloadCommand) == 0:
		return fmt.Errorf("daemon %v can't be reloaded: its entry has neither reload_signal nor reload_command", daemon)
	}
	in, err := spec.surroundings(ctx)
	if err != nil {
		return fmt.Errorf("reload of daemon %v: %w", daemon, err)
	}
	p, err := spec.process(ctx, spec.ReloadCommand, in)
	if err != nil {
		return fmt.Errorf("reload of daemon %v: %w", daemon, err)
	}
	pid, _ := r.state()
	p.Env = append(p.Env, "MAINPID="+strconv.Itoa(pid))
	r.out.note(mesh.LevelInfo, "reloading")
	if err := r.command(ctx, "reload_command", p, reloadWithin); err != nil {
		return fmt.Errorf("reload of daemon %v: %w", daemon, err)
	}
	r.out.note(mesh.LevelInfo, "reloaded")
	return nil
}

// Signal sends a signal to the main process of a daemon.
func (m *Manager) Signal(_ context.Context, daemon mesh.DaemonRef, signal string) error {
	r, _, err := m.running(daemon)
	if err != nil {
		return err
	}
	sig := unix.SignalNum(signal)
	if sig == 0 {
		return fmt.Errorf("daemon %v: this machine has no signal %s", daemon, signal)
	}
	if err := r.signalProcess(sig); err != nil {
		return err
	}
	r.out.note(mesh.LevelInfo, "sent %s", signal)
	return nil
}

// running returns the run of a daemon that has a process, and how it is run now.
func (m *Manager) running(daemon mesh.DaemonRef) (*run, Spec, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[daemon.ID]
	if r == nil || !r.alive() {
		return nil, Spec{}, &NotRunningError{Daemon: daemon}
	}
	if spec, known := m.specs[daemon.ID]; known {
		return r, spec, nil
	}
	return r, r.spec, nil
}

// signalProcess sends a signal to the process itself, and to no other that has its pid by now.
func (r *run) signalProcess(sig syscall.Signal) error {
	rec, err := r.folder.Load()
	if err != nil {
		return fmt.Errorf("signal to daemon %v: %w", r.ref(), err)
	}
	h, err := process.Open(rec.Process)
	if err == nil {
		defer h.Close()
		err = h.Signal(sig)
	}
	if errors.Is(err, process.ErrGone) {
		return &NotRunningError{Daemon: r.ref()}
	}
	if err != nil {
		return fmt.Errorf("signal to daemon %v: %w", r.ref(), err)
	}
	return nil
}

// command runs a command of the daemon's to its end, within a time, and logs what it prints.
func (r *run) command(ctx context.Context, what string, p process.Spec, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stop := context.AfterFunc(r.m.ctx, cancel)
	defer stop()
	proc, err := r.m.opts.Spawner.Start(ctx, p)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	last := ""
	var readers sync.WaitGroup
	readers.Go(func() {
		process.ReadLines(proc.Stdout(), maxReloadLine, func(line string, _ bool) { r.out.note(mesh.LevelInfo, "%s: %s", what, line) })
	})
	readers.Go(func() {
		process.ReadLines(proc.Stderr(), maxReloadLine, func(line string, _ bool) {
			r.out.note(mesh.LevelWarn, "%s: %s", what, line)
			last = line
		})
	})
	late := false
	select {
	case <-proc.Done():
	case <-ctx.Done():
		late = true
		proc.Stop(ctx, syscall.SIGKILL, 0)
		_ = proc.Stdout().Close()
		_ = proc.Stderr().Close()
	}
	readers.Wait()
	switch exit := proc.Exit(); {
	case late:
		return fmt.Errorf("%s did not end within %v and was killed", what, within)
	case exit.Clean():
		return nil
	case last != "":
		return fmt.Errorf("%s: %v: %s", what, exit, plaintext.Clean(last, maxLast))
	default:
		return fmt.Errorf("%s: %v", what, exit)
	}
}

const maxReloadLine = 1 << 10 // bytes of a line that the command prints
