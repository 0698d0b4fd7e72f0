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

func (e DaemonEnd) size() int { return len(e.Signal) + len(e.LastLine) }
