// Package flock locks open files and directories against other processes, and against other
// opens of this one.
//
// A lock belongs to what was opened, and every descriptor of it keeps it. A process that is
// started while one is open has a copy of the descriptor until it executes its program; so
// closing alone may release the lock later than the caller believes. Close releases it at once.
package flock

import (
	"errors"
	"os"
	"syscall"
)

// TryExclusive locks a file for its opener alone. It never waits: the error is
// syscall.EWOULDBLOCK if another opener has a lock.
func TryExclusive(f *os.File) error { return try(f, syscall.LOCK_EX) }

// TryShared is TryExclusive for a lock that several openers may have at a time.
func TryShared(f *os.File) error { return try(f, syscall.LOCK_SH) }

func try(f *os.File, how int) error {
	for {
		if err := flock(f, how|syscall.LOCK_NB); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Close releases the lock of a file, if it has one, and closes it.
func Close(f *os.File) error {
	_ = flock(f, syscall.LOCK_UN) // closing releases it too
	return f.Close()
}

// flock calls flock(2). The descriptor's number can't become that of another file meanwhile,
// whoever closes this one.
func flock(f *os.File, how int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if raw.Control(func(fd uintptr) { failed = syscall.Flock(int(fd), how) }) != nil {
		return os.ErrClosed
	}
	return failed
}
