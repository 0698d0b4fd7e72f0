package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
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
)

// StartError means that a process could not be started.
type StartError struct {
	Path  string // the file to execute, or for CauseDir the directory
	Cause Cause
	Err   error // of the system
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
		return "permission denied (check the modes of its folders and whether the file system is mounted noexec)"
	case CauseInterpreter:
		return "the file is there, but the loader or interpreter that it names is not"
	case CauseBusy:
		return "the file is being written"
	case CauseDir:
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

// startError finds the cause of an error of exec.
func startError(spec Spec, err error) *StartError {
	e := &StartError{Path: spec.Path, Err: err}
	info, statErr := os.Stat(spec.Path)
	switch {
	case errors.Is(err, syscall.ENOENT) && statErr == nil:
		e.Cause = CauseInterpreter
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
		e.Cause = CauseNotFound
	case errors.Is(err, syscall.ENOEXEC):
		e.Cause = CauseNotExecutable
	case errors.Is(err, syscall.ETXTBSY):
		e.Cause = CauseBusy
	case errors.Is(err, syscall.EACCES) && statErr == nil && info.IsDir():
		e.Cause, e.Err = CauseNotExecutable, syscall.EISDIR
	case errors.Is(err, syscall.EACCES) && statErr == nil && info.Mode()&0o111 == 0:
		e.Cause, e.Err = CauseNotExecutable, fmt.Errorf("its mode is %v: %w", info.Mode(), err)
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			e.Err = fmt.Errorf("its mode is %v: %w", info.Mode(), pe.Err)
		}
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		e.Cause = CausePermission
	}
	return e
}

// checkDir returns the error of an unusable directory. That of exec would name the wrong path.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return &StartError{Path: dir, Cause: CauseDir, Err: err}
	}
	return nil
}
