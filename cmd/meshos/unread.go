package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// errUnread means that nobody reads what a command prints any more.
var errUnread = errors.New("nobody reads the output any more")

// whileRead runs a command that prints until it is interrupted, and ends it, without an error,
// when whoever reads its output has gone: it might have nothing to print, and so not notice,
// for hours.
func (a *app) whileRead(ctx context.Context, follow func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer onUnread(a.out, func() { cancel(errUnread) })()
	err := follow(ctx)
	if errors.Is(context.Cause(ctx), errUnread) {
		return nil
	}
	return err
}

// onUnread calls gone when nobody can read what is written to w any more: when the read end of
// its pipe is closed, or its terminal is gone. Call stop in the end.
func onUnread(w io.Writer, gone func()) (stop func()) {
	file, ok := w.(*os.File)
	if !ok {
		return func() {}
	}
	quitR, quitW, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	fds := []unix.PollFd{{Fd: int32(file.Fd())}, {Fd: int32(quitR.Fd())}}
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			n, err := unix.Poll(fds, -1)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err == nil && n > 0 && fds[1].Revents == 0 && fds[0].Revents&unix.POLLERR != 0:
				gone()
			}
			return
		}
	})
	return func() {
		_ = quitW.Close()
		watching.Wait()
		_ = quitR.Close()
	}
}

// unread reports whether err is that nobody reads w any more. It is so where SIGPIPE, which
// would have ended the process, is ignored.
func unread(w io.Writer, err error) bool {
	file, ok := w.(*os.File)
	if !ok || !errors.Is(err, syscall.EPIPE) {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(file.Fd())}}
	n, pollErr := unix.Poll(fds, 0)
	return pollErr == nil && n > 0 && fds[0].Revents&unix.POLLERR != 0
}
