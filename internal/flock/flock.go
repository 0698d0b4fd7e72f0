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
		if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Close releases the lock of a file, if it has one, and closes it.
func Close(f *os.File) error {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // closing releases it too
	return f.Close()
}
