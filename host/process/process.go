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
	// killWait is how long a process may take to end after SIGKILL before it is given up.
	// Only a process that hangs in the kernel, on a dead disk, takes longer.
	killWait = 5 * time.Second
)

// child is a process that somebody waits for.
type child interface {
	// signal sends a signal to its group; os.ErrProcessDone once it has ended.
	signal(sig syscall.Signal) error
	// wait returns when it has ended, what was left of its group was killed, and it was
	// collected. It is called once.
	wait() Exit
}

// Process is one process that a Spawner started. It leads a session and a group of its
// own, which it can't leave. Its methods may be called from any goroutine.
type Process struct {
	child          child
	pid            int
	stdout, stderr *pipe
	done           chan struct{}
	collected      chan struct{}

	mu     sync.Mutex
	exit   Exit        // written before done is closed
	over   bool        // done is closed
	doomed *time.Timer // gives it up, once it was killed
}

func newProcess(c child, pid int, stdout, stderr *pipe) *Process {
	return &Process{
		child: c, pid: pid, stdout: stdout, stderr: stderr,
		done: make(chan struct{}), collected: make(chan struct{}),
	}
}

// Pid returns its process id, which is also the id of its group and of its session.
func (p *Process) Pid() int { return p.pid }

// Stdout returns what the process writes to its standard output. Somebody must read it, else
// the process blocks once the pipe is full. It ends when every process that holds the write
// end is gone, at the latest with what was written until half a second after the process
// ended.
func (p *Process) Stdout() io.ReadCloser { return p.stdout }

// Stderr is like Stdout, for the standard error.
func (p *Process) Stderr() io.ReadCloser { return p.stderr }

// Done returns a channel that is closed when the process has ended and was reaped, and what
// was left of its group got SIGKILL; or when it was given up, 5 s after its first SIGKILL. So
// it is closed within 5 s after a SIGKILL, whatever happens.
func (p *Process) Done() <-chan struct{} { return p.done }

// Collected returns a channel that is closed when the process was reaped. For one that hangs
// in the kernel that may be never.
func (p *Process) Collected() <-chan struct{} { return p.collected }

// Exit returns how it ended; before Done, an Exit with Code -1 and no Signal.
func (p *Process) Exit() Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return Exit{Code: -1}
	}
}

// Peek returns how it ended while its Rest is being ended; it has no usage.
func (p *Process) Peek() Exit {
	var info unix.Siginfo
	exit := Exit{Code: -1}
	if unix.Waitid(unix.P_PID, p.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil) != nil || pidOf(&info) != p.pid {
		return exit
	}
	if status := statusOf(&info); info.Code == cldExited {
		exit.Code = status
	} else {
		exit.Signal = syscall.Signal(status)
	}
	return exit
}

// Signal sends a signal to its whole group. It returns os.ErrProcessDone once the process has
// ended. Children that left the group (setsid) are not reached.
func (p *Process) Signal(sig syscall.Signal) error {
	err := p.child.signal(sig)
	if sig == syscall.SIGKILL && !errors.Is(err, os.ErrProcessDone) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.doomed == nil && !p.over {
			p.doomed = time.AfterFunc(killWait, func() { p.end(Exit{Code: -1, Stuck: true}) })
		}
	}
	return err
}

// Stop sends sig to the group, waits for grace, sends SIGKILL and waits for the end. A stopped
// process is continued, so that it can react to sig. When ctx ends it sends SIGKILL at once.
// It returns within grace + 5 s; the Exit of a process that is still there then is Stuck.
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
	<-p.done
	return p.exit
}

// end closes done, once.
func (p *Process) end(exit Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.over, p.exit = true, exit
	if p.doomed != nil {
		p.doomed.Stop()
	}
	close(p.done)
	if exit.Stuck { // nobody writes any more
		p.stdout.finish()
		p.stderr.finish()
	}
}

// watch waits for the end of the process. It never waits for a pipe, which a
// grandchild may hold open for ever.
func (p *Process) watch() {
	exit := p.child.wait()
	close(p.collected)
	p.end(exit)

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

// abandon kills a process that nobody waits for any more.
func (p *Process) abandon() {
	_ = p.Signal(syscall.SIGKILL)
	p.stdout.Close()
	p.stderr.Close()
}
