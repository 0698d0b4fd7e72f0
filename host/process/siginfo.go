package process

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pidOf returns the pid that waitid(2) reports; 0 if it found none. Package unix does not
// name that field.
func pidOf(info *unix.Siginfo) int {
	// Behind signo, errno and code comes a union, aligned as a pointer is.
	const offset = (3*4 + unsafe.Sizeof(uintptr(0)) - 1) / unsafe.Sizeof(uintptr(0)) * unsafe.Sizeof(uintptr(0))
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}

// cldExited is CLD_EXITED: the process ended by itself.
const cldExited = 1

// statusOf returns the exit status or signal that waitid(2) reports: it comes after pid and uid.
func statusOf(info *unix.Siginfo) int {
	const offset = (3*4+unsafe.Sizeof(uintptr(0))-1)/unsafe.Sizeof(uintptr(0))*unsafe.Sizeof(uintptr(0)) + 8
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}

// exitFrom returns how a process ended, from what wait4(2) reports.
func exitFrom(status unix.WaitStatus, usage unix.Rusage) Exit {
	e := Exit{
		Code: status.ExitStatus(), User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano()),
		MaxRSSBytes: usage.Maxrss * 1024, // the kernel counts in KiB
	}
	if status.Signaled() {
		e.Code, e.Signal = -1, syscall.Signal(status.Signal())
	}
	return e
}
