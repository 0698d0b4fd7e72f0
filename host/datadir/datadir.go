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
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/flock"
	"github.com/meshos/meshos/internal/readfile"
	"github.com/meshos/meshos/internal/unwritable"
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

// openWithin bounds how long the file system of the data directory may take to answer.
const openWithin = 10 * time.Second

// Lock makes the data directory and keeps other nodes out of it until the returned
// function is called or the process ends, however it ends. The error is a *BusyError
// when another node has it, and a *readfile.HungError when its file system does not answer.
//
// Two locks are held: that of the directory itself, which nobody can take away by deleting
// a file, and that of the file "lock", which nodes of older versions respect. A file
// system that has no locks on directories, such as NFS, has the file only.
func Lock(dir string) (unlock func() error, err error) {
	held, err := readfile.Do(dir, openWithin, func() (locks, error) { return lock(dir) })
	if err != nil {
		return nil, err
	}
	return held.close, nil
}

// locks are open files with a lock, the last one on top.
type locks []*os.File

func (l locks) close() error {
	var errs []error
	for i := len(l) - 1; i >= 0; i-- {
		errs = append(errs, flock.Close(l[i]))
	}
	return errors.Join(errs...)
}

func lock(dir string) (held locks, err error) {
	defer func() {
		if err != nil {
			_ = held.close()
			held = nil
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return held, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	folder, err := os.Open(dir)
	if err != nil {
		return held, fmt.Errorf("data directory: %w", err)
	}
	held = append(held, folder)
	if err := flock.TryExclusive(folder); err != nil && !noDirectoryLocks(err) {
		return held, refused(dir, path, err)
	}
	file, err := lockFile(path)
	if file != nil {
		held = append(held, file)
	}
	if unwritable.Is(err) { // then nobody makes the file, and the directory's lock has to do
		return held, nil
	}
	if err != nil {
		return held, refused(dir, path, err)
	}
	// The pid is only for the message of a BusyError; the locks are what counts.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return held, nil
}

// lockFile opens and locks the file. It is opened again if it was deleted or replaced in
// between: the lock of a file without a name keeps nobody out.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
		if errors.Is(err, syscall.EROFS) {
			if f, readErr := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); readErr == nil {
				return f, flock.TryExclusive(f)
			}
		}
		if err != nil {
			return nil, err
		}
		if err := flock.TryExclusive(f); err != nil {
			return f, err
		}
		mine, err := f.Stat()
		if err != nil {
			return f, err
		}
		if named, err := os.Stat(path); err == nil && os.SameFile(mine, named) {
			return f, nil
		}
		_ = flock.Close(f)
	}
}

// noDirectoryLocks reports whether a file system can't lock a directory.
func noDirectoryLocks(err error) bool {
	return errors.Is(err, unix.EBADF) || errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.EOPNOTSUPP) ||
		errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EISDIR)
}

// refused returns a *BusyError if another node has the lock.
func refused(dir, path string, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("data directory: lock %s: %w", dir, err)
	}
	owner, _ := readfile.Read(path, 64)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(owner)))
	return &BusyError{Dir: dir, PID: pid}
}
