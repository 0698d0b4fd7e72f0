package shim

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Record describes one run of a daemon, in state.json.
type Record struct {
	ID      mesh.DaemonID `json:"id"`
	Name    string        `json:"name"`
	Command []string      `json:"command"`
	Hash    string        `json:"command_sha256"` // of everything that the daemon was started with
	// Environment is a fingerprint of what was read from files for its environment; "" for
	// nothing.
	Environment string           `json:"environment_hmac,omitempty"`
	Shim        process.Identity `json:"shim"`
	Process     process.Identity `json:"process"` // also the id of its group
	Started     time.Time        `json:"started"`
	// Mark is in the environment of everything that the daemon started (process.MarkVariable).
	Mark     string   `json:"mark,omitempty"`
	Cgroup   string   `json:"cgroup,omitempty"` // the folder of its control group
	KillMode KillMode `json:"kill_mode,omitempty"`
	// Unmet says which limits the machine can't enforce, for people; "" for none.
	Unmet string `json:"unmet_limits,omitempty"`
	// Main is how the main process ended, while others that belong to the daemon do not end
	// although they were killed.
	Main *End `json:"main,omitempty"`
	End  *End `json:"end,omitempty"` // nil while it runs
}

// Daemon returns the daemon's id and name.
func (r Record) Daemon() mesh.DaemonRef { return mesh.DaemonRef{ID: r.ID, Name: r.Name} }

// End is how a run ended.
type End struct {
	At     time.Time      `json:"at"`
	Code   int            `json:"code"`             // -1 if a signal ended it
	Signal syscall.Signal `json:"signal,omitempty"` // 0 if it ended by itself
	// StopRequested means that it had been asked to end before.
	StopRequested bool `json:"asked,omitempty"`
	// LastError is the last line that it wrote to stderr.
	LastError string `json:"last_error,omitempty"`
	// Ran is how long it ran, whatever became of the wall clock; 0 in records of earlier
	// versions.
	Ran time.Duration `json:"ran,omitempty"`
	// Left are processes that go on, or that do not end.
	Left []process.Identity `json:"left,omitempty"`
	// Hook is how a command failed that was run for the daemon: before its start, and then
	// the daemon was not started, or after its end.
	Hook *HookEnd `json:"hook,omitempty"`
	// Afterwards means that the commands after the end are being run.
	Afterwards bool `json:"afterwards,omitempty"`
	// Lost is how many lines of its output could not be stored, and are not counted there; LostWhy
	// is why.
	Lost    int    `json:"lost_lines,omitempty"`
	LostWhy string `json:"lost_why,omitempty"`
	// Told means that the loop has taken it.
	Told bool `json:"told,omitempty"`
}

// exitCode returns the exit code of a shim that can't record the end.
func (e End) exitCode() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Code
}

// EndOf returns the end that such an exit code tells of.
func EndOf(code int) End {
	e := End{At: time.Now(), Code: code}
	if code > 128 && code < 128+65 {
		e.Code, e.Signal = -1, syscall.Signal(code-128)
	}
	return e
}

// Exit returns the end as package process describes it.
func (e End) Exit() process.Exit { return process.Exit{Code: e.Code, Signal: e.Signal} }

// Request is what a shim is to start.
type Request struct {
	ID          mesh.DaemonID `json:"id"`
	Name        string        `json:"name"`
	Command     []string      `json:"command"` // for the record
	Hash        string        `json:"hash"`
	Environment string        `json:"environment,omitempty"` // for the record
	Path        string        `json:"path"`
	Args        []string      `json:"args"`
	Env         []string      `json:"env"`
	Dir         string        `json:"dir"`
	Local       bool          `json:"local,omitempty"` // see process.Spec

	// PreStart are run before the daemon, PostStop once it has ended.
	PreStart   Hooks           `json:"pre_start"`
	PostStop   Hooks           `json:"post_stop"`
	Rights     process.Rights  `json:"rights"`
	KillMode   KillMode        `json:"kill_mode,omitempty"`
	StopSignal int             `json:"stop_signal,omitempty"` // 0 is SIGTERM
	StopGrace  time.Duration   `json:"stop_grace,omitempty"`  // for what the main process left by itself
	Cgroup     string          `json:"cgroup,omitempty"`
	Limits     []process.Limit `json:"limits,omitempty"`
	Unmet      string          `json:"unmet_limits,omitempty"` // for the record
}

// spec returns what a process of the daemon's runs in.
func (r Request) spec() process.Spec {
	return process.Spec{Path: r.Path, Args: r.Args, Env: r.Env, Dir: r.Dir, Local: r.Local, Rights: r.Rights, Cgroup: r.Cgroup, Limits: r.Limits}
}

// Response is the answer of a shim. PID is 0 if there was a fault, and if the daemon was not
// started.
type Response struct {
	// Ended is how a hook before the start failed; nil if none did.
	Ended *End `json:"ended,omitempty"`
	PID   int  `json:"pid,omitempty"`
	// Unrecorded means that the record could not be written, and is tried again.
	Unrecorded bool   `json:"unrecorded,omitempty"`
	Fault      *Fault `json:"fault,omitempty"`
}

// Fault is the error of a daemon that could not be started, in a form that can be sent.
type Fault struct {
	Path    string        `json:"path,omitempty"`
	Cause   process.Cause `json:"cause,omitempty"`
	User    string        `json:"user,omitempty"`
	Message string        `json:"message"`
}

func faultOf(err error) *Fault {
	start := (*process.StartError)(nil)
	if !errors.As(err, &start) {
		return &Fault{Message: err.Error()}
	}
	f := &Fault{Path: start.Path, Cause: start.Cause, User: start.User}
	err = start.Err
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	if err != nil {
		f.Message = err.Error()
	}
	return f
}

// Err returns the error: a *process.StartError if it was one.
func (f *Fault) Err() error {
	err := errors.New(f.Message)
	if f.Path == "" {
		return err
	}
	return &process.StartError{Path: f.Path, Cause: f.Cause, User: f.User, Err: err}
}
