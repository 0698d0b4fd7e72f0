package process

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// localChild is a child of this process.
type localChild struct {
	pid  int
	rest *restEnd // nil if its group is killed when it has ended

	mu     sync.Mutex // held for a signal and for the reaping
	reaped bool
}

func (c *localChild) signal(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped { // another process may have the pid by now
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-c.pid, sig); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return os.NewSyscallError("kill", err)
	}
	return nil
}

func (c *localChild) wait() Exit {
	c.awaitZombie()
	handled := c.rest != nil && c.rest.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !handled {
		// The zombie still has its pid, so no other group can have that number.
		_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	}
	var status unix.WaitStatus
	var usage unix.Rusage
	err := error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		_, err = unix.Wait4(c.pid, &status, 0, &usage)
	}
	c.reaped = true
	if err != nil {
		return Exit{Code: -1}
	}
	return exitFrom(status, usage)
}

// awaitZombie returns when the process has ended, without reaping it.
func (c *localChild) awaitZombie() {
	for {
		err := unix.Waitid(unix.P_PID, c.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // the reaping reports any other error
		}
	}
}
