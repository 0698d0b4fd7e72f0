package mesh

import (
	"fmt"
	"time"
)

// DaemonEnd is how a daemon's process ended. The zero value means that nothing is known.
type DaemonEnd struct {
	Code     int32     // the exit status; -1 if a signal ended it, or if it is not known
	Signal   string    // "SIGKILL"; empty if it ended by itself, or if it is not known
	LastLine string    // the last line that it wrote to standard error
	At       time.Time // never zero if anything is known
	Asked    bool      // it had been asked to end
	// Config is ConfiguredDaemon.Config of what it was started with. It is empty if that is
	// not known, and for a run before the machine was started again.
	Config string
	// Unhealthy is why it was unhealthy, if the node stopped it to restart it because of that.
	Unhealthy string
	// Early is how long it ran, if it ended with status 0 although nobody had asked it to, and
	// too early; else 0.
	Early time.Duration
}

// Known reports whether anything is known.
func (e DaemonEnd) Known() bool { return !e.At.IsZero() }

// Status returns the end without the last line: "exit 3", "signal SIGKILL".
func (e DaemonEnd) Status() string {
	switch {
	case e.Signal != "":
		return "signal " + e.Signal
	case e.Code < 0:
		return "how is not known"
	case e.Early > 0:
		return fmt.Sprintf("exited %d after %.1f s", e.Code, e.Early.Seconds())
	}
	return fmt.Sprintf("exit %d", e.Code)
}

// String returns the end for people: `exit 3: "boom"`.
func (e DaemonEnd) String() string {
	if e.LastLine == "" {
		return e.Status()
	}
	return fmt.Sprintf("%s: %q", e.Status(), e.LastLine)
}

// Clean reports whether it ended by itself with status 0.
func (e DaemonEnd) Clean() bool { return e.Known() && e.Code == 0 && e.Signal == "" }

func (e DaemonEnd) size() int {
	return len(e.Signal) + len(e.LastLine) + len(e.Config) + len(e.Unhealthy)
}

// RestartMode says after which ends a daemon is started again.
type RestartMode uint8

// The modes.
const (
	RestartAlways    RestartMode = iota // after each
	RestartOnFailure                    // after each but one by itself with status 0
	RestartNever                        // only after one that it was asked for
)

// String returns the mode as the configuration has it.
func (m RestartMode) String() string {
	return [...]string{"always", "on-failure", "never"}[min(m, RestartNever)]
}

// Finishes reports whether a daemon that ended like this is not started again. An end that it
// was asked for leaves its work undone, so it does not finish it.
func (m RestartMode) Finishes(end DaemonEnd) bool {
	if !end.Known() || end.Asked || end.Config == "" {
		return false
	}
	return m == RestartNever || m == RestartOnFailure && end.Clean()
}

// RestartValues are a daemon's own values of its restart gate. Those that are nil are the
// node's.
type RestartValues struct {
	Initial            *time.Duration
	Factor             *float64
	Max                *time.Duration
	CrashLoopThreshold *int
	CrashLoopWindow    *time.Duration
	CrashLoopCooldown  *time.Duration
	StableRun          *time.Duration
}
