package process

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/meshos/meshos/host/process/order"
)

// ErrSpawnerClosed is returned by Start after Close.
var ErrSpawnerClosed = errors.New("the process spawner is closed")

// Cause is why a process could not be started.
type Cause uint8

// The causes.
const (
	CauseOther         Cause = iota // see Err
	CauseNotFound                   // the file does not exist
	CauseNotExecutable              // a directory, no x bit, no known format
	CausePermission                 // the system denies it
	CauseInterpreter                // the file exists; the loader or #! program that it names does not
	CauseBusy                       // the file is open for writing
	CauseDir                        // the working directory can't be used
	CauseRights                     // its rights can't be taken
)

// StartError means that a process could not be started.
type StartError struct {
	Path  string // the file to execute, or for CauseDir the directory
	Cause Cause
	User  string // the user that it was to run as, if the cause may be what that user may not do
	Err   error  // of the system
}

// Error returns "start PATH: cause".
func (e *StartError) Error() string { return "start " + e.Path + ": " + e.Reason() }

// Unwrap returns the error of the system.
func (e *StartError) Unwrap() error { return e.Err }

// Reason returns the cause in words, without the path.
func (e *StartError) Reason() string {
	switch e.Cause {
	case CauseNotFound:
		return "no such file"
	case CauseNotExecutable:
		return "not executable: " + errText(e.Err)
	case CausePermission:
		if e.User != "" {
			return "user " + e.User + " may not execute it (check the modes of the file and its folders, and whether the file system is mounted noexec)"
		}
		return "permission denied (check the modes of its folders and whether the file system is mounted noexec)"
	case CauseInterpreter:
		return "the file is there, but the loader or interpreter that it names is not"
	case CauseBusy:
		return "the file is being written"
	case CauseDir:
		if e.User != "" {
			return "can't be used as working directory by user " + e.User + ": " + errText(e.Err) + "; let it enter that folder, or set dir to another"
		}
		return "can't be used as working directory: " + errText(e.Err)
	}
	return errText(e.Err)
}

// errText returns the text of an error without the path of an fs.PathError.
func errText(err error) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Sprint(err)
}

// AbandonedError says that a start took too long, and that what it hangs in, often a
// file system that does not answer, did not let go of it when it was killed either.
type AbandonedError struct {
	Path string
	Err  error // the context's
	// Process is what hangs. Its Collected tells when it is gone.
	Process *Process
}

// Error implements error.
func (e *AbandonedError) Error() string {
	return fmt.Sprintf("start %s: %v; process %d, which was to execute it, hangs in the kernel and can't be killed",
		e.Path, e.Err, e.Process.Pid())
}

// Unwrap returns the context's error.
func (e *AbandonedError) Unwrap() error { return e.Err }

// startError finds the cause in the last word of a helper; nil if it executed the
// program.
func startError(spec Spec, last order.Status) error {
	errno := syscall.Errno(last.Errno)
	e := &StartError{Path: spec.Path, Err: errno}
	if a := spec.Rights.Account; a != nil && errors.Is(errno, fs.ErrPermission) {
		e.User = a.name()
	}
	switch last.Step {
	case order.AtExec:
		return nil
	case order.AtDir:
		e.Path, e.Cause = spec.Dir, CauseDir
		return e
	case order.AtOOMScore, order.AtNice, order.AtAccount:
		return spec.rightsError(last.Step, errno)
	case order.AtOrder:
		e.Err = errors.New("its starting process does not understand what it is told; is it of another version?")
		return e
	}
	exists, isDir := last.Mode != 0, last.Mode&syscall.S_IFMT == syscall.S_IFDIR
	switch {
	case errno == syscall.ENOENT && exists:
		e.Cause = CauseInterpreter
	case errno == syscall.ENOENT, errno == syscall.ENOTDIR:
		e.Cause = CauseNotFound
	case errno == syscall.ENOEXEC:
		e.Cause = CauseNotExecutable
	case errno == syscall.ETXTBSY:
		e.Cause = CauseBusy
	case errno == syscall.EACCES && isDir:
		e.Cause, e.Err = CauseNotExecutable, syscall.EISDIR
	case errno == syscall.EACCES && exists && last.Mode&0o111 == 0:
		e.Cause, e.Err = CauseNotExecutable, fmt.Errorf("its mode is %v: %w", fs.FileMode(last.Mode&0o777), errno)
	case errno == syscall.EACCES, errno == syscall.EPERM:
		e.Cause = CausePermission
	}
	return e
}
