package shim

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Record is what is noted of one run of a daemon, in state.json.
type Record struct {
	ID      mesh.DaemonID    `json:"id"`
	Name    string           `json:"name"`
	Command []string         `json:"command"`
	Hash    string           `json:"command_sha256"` // of all that the daemon was started with
	Shim    process.Identity `json:"shim"`
	Process process.Identity `json:"process"` // also the id of its group
	Started time.Time        `json:"started"`
	End     *End             `json:"end,omitempty"` // nil while it runs
}

// Daemon names the daemon.
func (r Record) Daemon() mesh.DaemonRef { return mesh.DaemonRef{ID: r.ID, Name: r.Name} }

// End is how a run ended.
type End struct {
	At     time.Time      `json:"at"`
	Code   int            `json:"code"`             // -1 if a signal ended it
	Signal syscall.Signal `json:"signal,omitempty"` // 0 if it ended by itself
	// Asked says that it had been asked to end before.
	Asked bool `json:"asked,omitempty"`
	// LastError is the last line that it wrote to stderr.
	LastError string `json:"last_error,omitempty"`
}

// Exit gives the end in the words of package process.
func (e End) Exit() process.Exit { return process.Exit{Code: e.Code, Signal: e.Signal} }

// Order says what a shim is to start.
type Order struct {
	ID      mesh.DaemonID `json:"id"`
	Name    string        `json:"name"`
	Command []string      `json:"command"` // for the record
	Hash    string        `json:"hash"`
	Path    string        `json:"path"`
	Args    []string      `json:"args"`
	Env     []string      `json:"env"`
	Dir     string        `json:"dir"`
}

// Report is the shim's answer. PID is 0 if there was a fault.
type Report struct {
	PID   int    `json:"pid,omitempty"`
	Fault *Fault `json:"fault,omitempty"`
}

// Fault is why a daemon could not be started, fit for a pipe.
type Fault struct {
	Path    string        `json:"path,omitempty"`
	Cause   process.Cause `json:"cause,omitempty"`
	Message string        `json:"message"`
}

func faultOf(err error) *Fault {
	start := (*process.StartError)(nil)
	if !errors.As(err, &start) {
		return &Fault{Message: err.Error()}
	}
	f := &Fault{Path: start.Path, Cause: start.Cause}
	err = start.Err
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	if err != nil {
		f.Message = err.Error()
	}
	return f
}

// Err gives the error again: a *process.StartError if it was one.
func (f *Fault) Err() error {
	err := errors.New(f.Message)
	if f.Path == "" {
		return err
	}
	return &process.StartError{Path: f.Path, Cause: f.Cause, Err: err}
}
