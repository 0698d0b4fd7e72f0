package process

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// messages is one end of a pair of sockets that keep messages apart and carry descriptors. It
// does without package net, which would be most of a small binary.
type messages struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool
}

// newMessages returns one end, and the other as a file for another process.
func newMessages(name string) (ours *messages, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(pair[1]), name)
	err = os.NewSyscallError("fcntl", unix.SetNonblock(pair[0], true)) // so that waiting costs no thread
	ours = &messages{file: os.NewFile(uintptr(pair[0]), name)}
	if err == nil {
		ours.raw, err = ours.file.SyscallConn()
	}
	if err != nil {
		_, _ = ours.file.Close(), theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// receive waits for a message; n is 0 at the end of the connection.
func (m *messages) receive(text, oob []byte) (n, oobn int, err error) {
	waitErr := m.raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, err = unix.Recvmsg(int(fd), text, oob, unix.MSG_CMSG_CLOEXEC)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	return n, oobn, m.failure(waitErr, err)
}

// send sends a message with descriptors. It waits while the other end reads nothing, for so long
// at most. The error is os.ErrClosed once this end is closed.
func (m *messages) send(text []byte, within time.Duration, fds ...int) (err error) {
	_ = m.file.SetWriteDeadline(time.Now().Add(within))
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	waitErr := m.raw.Write(func(fd uintptr) bool {
		err = unix.Sendmsg(int(fd), text, rights, nil, unix.MSG_NOSIGNAL)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	return m.failure(waitErr, err)
}

// failure returns the error of a call, or of the waiting for it.
func (m *messages) failure(waiting, call error) error {
	switch {
	case m.closed.Load():
		return os.ErrClosed
	case waiting != nil:
		return waiting
	}
	return call
}

// closeWrite tells the other end that no more messages come.
func (m *messages) closeWrite() {
	_ = m.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
}

func (m *messages) close() {
	m.closed.Store(true)
	_ = m.file.Close()
}
