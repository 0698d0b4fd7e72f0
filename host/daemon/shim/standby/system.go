package standby

import (
	"syscall"
	"unsafe"
)

// Clocks of clock_gettime(2).
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// now returns what a clock shows, in nanoseconds.
func now(clock uintptr) uint64 {
	var t syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0)
	return uint64(t.Nano())
}

// pollFD is a pollfd of poll(2).
type pollFD struct {
	fd              int32 // below 0: none
	events, revents int16
}

const pollIn = 1

// poll waits until something can be read, or for so many nanoseconds; below 0 for ever.
func poll(fds []pollFD, within int64) syscall.Errno {
	var until *syscall.Timespec
	if within >= 0 {
		t := syscall.NsecToTimespec(within)
		until = &t
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(unsafe.Pointer(until)), 0, 0, 0)
	return errno
}

// sameFile reports whether a path, with a 0 at its end, is that of a file. If it can't be examined
// it may well be. Unlike syscall.Stat it makes no garbage.
func sameFile(path []byte, file *syscall.Stat_t) bool {
	cwd := -100 // AT_FDCWD
	var info syscall.Stat_t
	_, _, errno := syscall.Syscall6(sysStatAt, uintptr(cwd), uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&info)), 0, 0, 0)
	if errno != 0 {
		return errno != syscall.ENOENT
	}
	return info.Ino == file.Ino && info.Dev == file.Dev
}

// zombie returns a child that has ended and was not collected; 0 for none.
func zombie() int {
	const all, exited, noWait = 0, 4, 0x01000000 // P_ALL, WEXITED, WNOWAIT
	var info [16]uint64                          // a siginfo
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, all, 0, uintptr(unsafe.Pointer(&info)), exited|noWait|syscall.WNOHANG, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return 0
		}
		// The union of a siginfo follows three numbers, and is aligned like a pointer.
		const union = (12 + unsafe.Sizeof(uintptr(0)) - 1) / unsafe.Sizeof(uintptr(0)) * unsafe.Sizeof(uintptr(0))
		return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), union)))
	}
}

// setName names this process, for ps.
func setName(name string) {
	const prSetName = 15
	var b [16]byte
	copy(b[:15], name)
	_, _, _ = syscall.RawSyscall6(syscall.SYS_PRCTL, prSetName, uintptr(unsafe.Pointer(&b)), 0, 0, 0, 0)
}
