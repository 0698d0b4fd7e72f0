package daemon

import (
	"errors"
	"fmt"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("no daemon is started any more: the node is shutting down")

// ErrUnheard is what Events wrap once no event is taken any more, whoever waits.
var ErrUnheard = errors.New("nobody takes events of daemons any more")

// UnknownError says that the configuration has no such daemon.
type UnknownError struct{ Daemon mesh.DaemonRef }

// Error implements error.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("no [[daemon]] with id %d in the configuration", e.Daemon.ID)
}

// RunningError says that a daemon can't be started because it has not ended.
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

// StartError says that a daemon's process could not be started.
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

// Unwrap gives the cause.
func (e *StartError) Unwrap() error { return e.Err }

// NotInPathError says that a command without a slash names no program.
type NotInPathError struct{ Program, Path string }

// Error implements error.
func (e *NotInPathError) Error() string {
	return fmt.Sprintf("there is no program %q in PATH (%s); give its whole path", e.Program, e.Path)
}

// UnfinishedError says that daemons had not ended when StopAll had to return.
type UnfinishedError struct{ Daemons []mesh.DaemonRef }

// Error implements error.
func (e *UnfinishedError) Error() string {
	names := make([]string, len(e.Daemons))
	for i, d := range e.Daemons {
		names[i] = d.String()
	}
	return "daemons that did not end although they were killed: " + strings.Join(names, ", ")
}
