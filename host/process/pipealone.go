package process

import (
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// alonePoll is how often a Read that waits finds out, in milliseconds, that the pipe is finished
// or closed.
const alonePoll = 250

// TakeAlone prepares the pipe for a child that writes much: up to size bytes wait in it, and the
// Go runtime's poller, which would be woken at every write, does not watch it any more. A Read
// that waits has a thread of its own from now on. Only the reader may call it. It reports
// whether the system allowed it; if not, nothing has changed.
func (p *pipe) TakeAlone(size int) bool {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = replace(int(fd)) })
	if err != nil || failed != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size) })
	p.alone = true
	return true
}

// replace opens the pipe anew in place of the descriptor. What the poller watches is not the
// number but what was open under it.
func replace(fd int) error {
	again, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("open", err)
	}
	defer func() { _ = unix.Close(again) }()
	return os.NewSyscallError("dup3", unix.Dup3(again, fd, unix.O_CLOEXEC))
}

// readAlone is Read after TakeAlone. It returns 0 bytes when the pipe is finished.
func (p *pipe) readAlone(b []byte) (n int, err error) {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	for {
		var failed error
		err = raw.Control(func(fd uintptr) {
			if n, failed = unix.Read(int(fd), b); errors.Is(failed, unix.EAGAIN) {
				_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, alonePoll)
			}
		})
		switch {
		case err != nil: // closed
			return 0, os.ErrClosed
		case errors.Is(failed, unix.EAGAIN), errors.Is(failed, unix.EINTR):
			if p.finished.Load() {
				return 0, nil
			}
		case failed != nil:
			return 0, os.NewSyscallError("read", failed)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
