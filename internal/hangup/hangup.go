// Package hangup keeps a SIGHUP that comes while a process is starting from ending it: who
// starts a node and has it read its configuration again at once, as a service manager does,
// must not kill it.
//
// A binary that imports it takes SIGHUP as soon as its packages are initialized. What the
// signal means, only the command that runs knows: it calls Take or Release.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
)

// came receives the signals from the beginning of the process on.
var came = catch()

func catch() chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// Take returns where the signals come, one that came already included. It is for a process
// that does something at a SIGHUP.
func Take() <-chan os.Signal { return came }

// Release has SIGHUP end this process as usual, at once if one came already. It is for all
// others.
func Release() {
	signal.Reset(syscall.SIGHUP)
	select {
	case <-came:
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	default:
	}
}
