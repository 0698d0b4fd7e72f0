// Package dumpable keeps other processes of the same user from reading this one's memory
// and environment.
//
// It is not a wall: such a process can still send signals, and change files of that user.
package dumpable

import (
	"fmt"
	"syscall"
)

// The operations of prctl(2) that are used here.
const (
	prGetDumpable = 3
	prSetDumpable = 4
)

// Forbid keeps processes without privileges from attaching to this one, and from reading
// its /proc/PID/environ and /proc/PID/mem, until it executes another program. It has two
// side effects: the kernel writes no core dump of this process, and the files in its /proc
// folder belong to root.
func Forbid() error {
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetDumpable, 0, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("forbid to dump this process: %w", errno)
	}
	return nil
}

// Allowed reports whether this process can be dumped.
func Allowed() bool {
	value, _, _ := syscall.RawSyscall6(syscall.SYS_PRCTL, prGetDumpable, 0, 0, 0, 0, 0)
	return value == 1
}
