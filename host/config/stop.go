package config

import (
	"cmp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stop says how a daemon is stopped.
type Stop struct {
	Mode   string        // "group", "mixed" or "process"; "" is "group"
	Signal string        // which asks it to end, such as "SIGQUIT"; "" is "SIGTERM"
	Grace  time.Duration // from asking to killing; 0 for restart.stop_grace
}

func (s *Stop) settings() []setting {
	return []setting{
		oneOf("kill_mode", &s.Mode, "group", "mixed", "process"),
		textOrNone("stop_signal", &s.Signal).checked(func() *fault { return badStopSignal(s.Signal) }),
		leftOut(duration("stop_grace", &s.Grace), func() bool { return s.Grace == 0 }),
	}
}

// Number returns the signal that asks a daemon to end.
func (s Stop) Number() syscall.Signal { return unix.SignalNum(cmp.Or(s.Signal, "SIGTERM")) }

// badStopSignal refuses what is not a signal, and those that no process ends by.
func badStopSignal(name string) *fault {
	var known []string
	for n := syscall.Signal(1); n < 32; n++ {
		switch n {
		case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT, unix.SIGCHLD, unix.SIGURG:
		default:
			known = append(known, unix.SignalName(n))
		}
	}
	if slices.Contains(known, name) {
		return nil
	}
	f := &fault{message: shortened(quote(name)) + " is not a signal that asks a process to end", hint: `for example "SIGTERM", "SIGINT", "SIGQUIT" or "SIGHUP"`}
	if with := "SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"); slices.Contains(known, with) {
		f.hint = "did you mean " + quote(with) + "?"
	}
	return f
}
