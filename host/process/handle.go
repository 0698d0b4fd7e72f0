package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Handle refers to a process that need not be a child of this one. It never refers to another
// process, even if the pid is reused. Close it.
type Handle struct {
	id   Identity
	file *os.File // a pidfd, watched by the runtime's poller: waiting costs no thread

	mu   sync.Mutex
	exit *Exit // set once a Wait has reaped it
}

// Open returns a handle on the process of an identity, or ErrGone if the process has ended. A
// zombie has not ended.
func Open(id Identity) (*Handle, error) {
	here, err := identityHere()
	if err != nil {
		return nil, err
	}
	if id.Boot != here.Boot || !id.sameNamespace(here) || id.PID <= 0 {
		return nil, ErrGone
	}
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	h := &Handle{id: id, file: os.NewFile(uintptr(fd), "pidfd")}
	// The start time is read after the pidfd was opened: if it is the right one, the pidfd
	// refers to the right process.
	stat, err := readStat(id.PID)
	if err == nil && stat.start != id.Start {
		err = ErrGone
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Identity returns the identity of the process.
func (h *Handle) Identity() Identity { return h.id }

// Close closes the handle and ends a Wait. It does nothing to the process.
func (h *Handle) Close() { _ = h.file.Close() }

// Wait waits until the process has ended, and reaps it if it is a child. The error is that of
// ctx, or os.ErrClosed after Close.
func (h *Handle) Wait(ctx context.Context) error {
	raw, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = h.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err = raw.Read(func(fd uintptr) bool { return readable(int(fd)) })
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return raw.Control(func(fd uintptr) {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOHANG, nil)
		if err != nil || pidOf(&info) == 0 {
			return // ECHILD: it is not a child
		}
		exit := Exit{Code: statusOf(&info)}
		if info.Code != cldExited {
			exit = Exit{Code: -1, Signal: syscall.Signal(exit.Code)}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.exit = &exit
	})
}

// Exit returns how the process ended, once a Wait has returned nil; false if it was not a child
// of this process.
func (h *Handle) Exit() (Exit, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.exit == nil {
		return Exit{}, false
	}
	return *h.exit, true
}

func readable(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1
}

// Signal sends a signal to this process only. It returns ErrGone once the process has ended.
func (h *Handle) Signal(sig syscall.Signal) error {
	raw, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return err
	}
	if errors.Is(sent, unix.ESRCH) {
		return ErrGone
	}
	if sent != nil {
		return fmt.Errorf("signal %v to process %d: %w", sig, h.id.PID, sent)
	}
	return nil
}

// pidfdSignalProcessGroup has a signal reach the group that the process leads (Linux 6.9).
const pidfdSignalProcessGroup = 1 << 2

// signalGroup sends a signal to the group that this process leads; ErrGone once it has ended.
func (h *Handle) signalGroup(sig syscall.Signal) error {
	raw, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) {
		if readable(int(fd)) { // it is at least a zombie
			sent = unix.ESRCH
			return
		}
		sent = unix.PidfdSendSignal(int(fd), sig, nil, pidfdSignalProcessGroup)
		if errors.Is(sent, unix.EINVAL) {
			sent = unix.Kill(-h.id.PID, sig)
		}
	}); err != nil {
		return err
	}
	if errors.Is(sent, unix.ESRCH) {
		return ErrGone
	}
	if sent != nil {
		return fmt.Errorf("signal %v to the group of process %d: %w", sig, h.id.PID, sent)
	}
	return nil
}
