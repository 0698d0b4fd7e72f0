package daemon

import (
	"errors"
	"fmt"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("daemons are not started any more: the node is shutting down")

// ErrEventsClosed is wrapped in the errors of Events once the loop takes no more events.
var ErrEventsClosed = errors.New("the loop takes no more events of daemons")

// UnknownError means that the daemon is not in the configuration.
type UnknownError struct{ Daemon mesh.DaemonRef }

// Error implements error.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("no [[daemon]] with id %d in the configuration", e.Daemon.ID)
}

// RunningError means that a daemon can't be started because it has not ended.
type RunningError struct {
	Daemon   mesh.DaemonRef
	PID      int // 0: it is being started
	Stopping bool
}

// Error implements error.
func (e *RunningError) Error() string {
	switch {
	case e.PID == 0:
		return fmt.Sprintf("daemon %v is being started already", e.Daemon)
	case e.Stopping:
		return fmt.Sprintf("daemon %v is still stopping (process %d)", e.Daemon, e.PID)
	}
	return fmt.Sprintf("daemon %v runs already (process %d)", e.Daemon, e.PID)
}

// StartError means that a daemon's process could not be started.
type StartError struct {
	Daemon mesh.DaemonRef
	Err    error // a *process.StartError, a *NotInPathError …
}

// Error implements error.
func (e *StartError) Error() string {
	why := e.Err.Error()
	if pe := (*process.StartError)(nil); errors.As(e.Err, &pe) {
		why = pe.Path + ": " + pe.Reason()
	}
	return fmt.Sprintf("daemon %v could not be started: %s", e.Daemon, why)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// NotInPathError means that no folder in PATH has the program of a command.
type NotInPathError struct{ Program, Path string }

// Error implements error.
func (e *NotInPathError) Error() string {
	return fmt.Sprintf("program %q was not found in PATH (%s); give its full path", e.Program, e.Path)
}

// UnfinishedError means that daemons had not ended when StopAll had to return.
type UnfinishedError struct{ Daemons []mesh.DaemonRef }

// Error implements error.
func (e *UnfinishedError) Error() string {
	names := make([]string, len(e.Daemons))
	for i, d := range e.Daemons {
		names[i] = d.String()
	}
	return "daemons that did not end although they were killed: " + strings.Join(names, ", ")
}
