package process

import (
	"strconv"
	"syscall"
	"time"
)

// Exit is how a process ended.
type Exit struct {
	// Code is the exit status, and -1 if a signal ended it.
	Code int
	// Signal is the signal that ended it; 0 if it ended by itself.
	Signal syscall.Signal
	// User and System are its CPU time and that of the children it waited for.
	User, System time.Duration
	// MaxRSSBytes is its largest resident size.
	MaxRSSBytes int64
	// Stuck is set if it has not ended at all: it was killed, but the kernel does not let
	// go of it.
	Stuck bool
	// Unreported is set if it has ended, but who knew how was killed.
	Unreported bool
}

// String returns "exit status 2" or "signal: killed".
func (e Exit) String() string {
	if e.Stuck {
		return "killed, but it hangs in the kernel and is still there"
	}
	if e.Unreported {
		return "ended; how is not known, because the process that watched it was killed"
	}
	if e.Signal != 0 {
		return "signal: " + e.Signal.String()
	}
	return "exit status " + strconv.Itoa(e.Code)
}

// Clean reports whether it ended by itself with status 0.
func (e Exit) Clean() bool { return e.Code == 0 && e.Signal == 0 }
