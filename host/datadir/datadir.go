// Package datadir makes a node's data directory and keeps every other node out of it.
//
// It does not know what is stored there: each part has a folder of its own.
package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// BusyError is returned when another node runs on the data directory.
type BusyError struct {
	Dir string
	PID int // of the other node; 0 if it is not known
}

// Error implements error.
func (e *BusyError) Error() string {
	who := "another node"
	if e.PID > 0 {
		who = fmt.Sprintf("another node (pid %d)", e.PID)
	}
	return fmt.Sprintf("data directory %s is in use by %s; stop it, or give this one a node.data_dir of its own", e.Dir, who)
}

// Lock makes the data directory and keeps other nodes out of it until the returned
// function is called or the process ends, however it ends. The error is a *BusyError
// when another node has it.
func Lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(path)
		_ = f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(owner)))
		return nil, &BusyError{Dir: dir, PID: pid}
	}
	// The pid is only for the message above; the lock is what counts.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f.Close, nil
}
