package process

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pipeGrace is how long the pipes stay open after the exit, if another process still holds
	// a write end. What is in them then can still be read later.
	pipeGrace = 500 * time.Millisecond
	// killWait bounds how long Stop waits for a process after SIGKILL. Only a process that
	// hangs in the kernel, on a dead disk, takes longer.
	killWait = 5 * time.Second
)

// Process is one child. Its methods may be called from any goroutine.
type Process struct {
	proc           *os.Process
	pid            int
	stdout, stderr *pipe
	done           chan struct{}
	exit           Exit // written before done is closed

	mu     sync.Mutex // held for a signal and for the reaping
	reaped bool
}

func newProcess(proc *os.Process, stdout, stderr *pipe) *Process {
	return &Process{proc: proc, pid: proc.Pid, stdout: stdout, stderr: stderr, done: make(chan struct{})}
}

// Pid returns its process id, which is also the id of its group.
func (p *Process) Pid() int { return p.pid }

// Stdout returns what the process writes to its standard output. Somebody must read it, else
// the process blocks once the pipe is full. It ends when every process that holds the write
// end is gone, at the latest with what was written until half a second after the process
// ended.
func (p *Process) Stdout() io.ReadCloser { return p.stdout }

// Stderr is like Stdout, for the standard error.
func (p *Process) Stderr() io.ReadCloser { return p.stderr }

// Done returns a channel that is closed when the process has ended and was reaped. By then,
// what was left of its group got SIGKILL.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit returns how it ended; before Done, an Exit with Code -1 and no Signal.
func (p *Process) Exit() Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return Exit{Code: -1}
	}
}

// Signal sends a signal to its whole group. It returns os.ErrProcessDone once the process has
// ended. A process that left the group (setsid) is not reached.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped { // another process may have the pid by now
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-p.pid, sig); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return os.NewSyscallError("kill", err)
	}
	return nil
}

// Stop sends sig to the group, waits for grace, sends SIGKILL and waits for the end. A stopped
// process is continued, so that it can react to sig. When ctx ends it sends SIGKILL at once.
// It returns within grace + 5 s; a process that hangs in the kernel is still there then, and
// its Exit has Code -1 and no Signal.
func (p *Process) Stop(ctx context.Context, sig syscall.Signal, grace time.Duration) Exit {
	if p.Signal(sig) == nil && sig != syscall.SIGKILL {
		_ = p.Signal(syscall.SIGCONT)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
			return p.exit
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	_ = p.Signal(syscall.SIGKILL)
	timer := time.NewTimer(killWait)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	return p.Exit()
}

// watch waits for the end of the process and reaps it. It never waits for a pipe, which a
// grandchild may hold open for ever.
func (p *Process) watch() {
	p.awaitZombie()
	p.mu.Lock()
	// The zombie still has its pid, so no other group can have that number.
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	state, err := p.proc.Wait()
	p.reaped = true
	p.mu.Unlock()

	p.exit = Exit{Code: -1}
	if err == nil {
		p.exit = exitOf(state)
	}
	close(p.done)

	timer := time.NewTimer(pipeGrace)
	defer timer.Stop()
	for _, pipe := range []*pipe{p.stdout, p.stderr} {
		select {
		case <-pipe.ended:
			pipe.Close()
		case <-timer.C:
			timer.Reset(0) // the grace is over for the other pipe too
			pipe.finish()
		}
	}
}

// awaitZombie returns when the process has ended, without reaping it.
func (p *Process) awaitZombie() {
	for {
		err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // the reaping reports any other error
		}
	}
}

// abandon kills a process that nobody waits for any more.
func (p *Process) abandon() {
	_ = p.Signal(syscall.SIGKILL)
	p.stdout.Close()
	p.stderr.Close()
}
