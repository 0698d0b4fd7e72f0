package standby

import (
	"syscall"
	"unsafe"
)

// A Go program can't block SIGTERM on all of its threads, and packages os and os/signal take more
// memory than the rest of a standby. So the kernel calls a handler of our own, on any thread, which
// writes the number of the signal to a pipe and does nothing else.

// signalW is where the handler writes, and signalR is the other end. A handler has nothing but
// what is in variables of its package.
var signalW, signalR int32

// signals are those that a shim takes.
var signals = [...]syscall.Signal{
	syscall.SIGCHLD, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT,
}

// forWhole are those that only the whole shim handles.
var forWhole = Bit(syscall.SIGTERM) | Bit(syscall.SIGUSR1)

// Bit returns the place of a signal in a set of them.
func Bit(s syscall.Signal) uint64 { return 1 << (s - 1) }

// action is the struct sigaction of the kernel.
type action struct {
	handler uintptr
	flags   uint64
	restore uintptr
	mask    uint64
}

// takeSignals has the handler called; false if it can't.
func takeSignals() bool {
	var ends [2]int
	if syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return false
	}
	signalR, signalW = int32(ends[0]), int32(ends[1])
	act, ok := runtimeAction()
	if !ok {
		return false
	}
	act.handler = handlerPC()
	return act.set()
}

// runtimeAction returns how the Go runtime handles all signals alike.
func runtimeAction() (act action, ok bool) {
	return act, sigaction(syscall.SIGUSR2, nil, &act)
}

func (act action) set() bool {
	for _, s := range signals {
		if !sigaction(s, &act, nil) {
			return false
		}
	}
	return true
}

func sigaction(s syscall.Signal, set, get *action) bool {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 8, 0, 0)
	return errno == 0
}

// came returns which signals came since it was called last.
func came() (set uint64) {
	var b [64]byte
	for {
		n, err := syscall.Read(int(signalR), b[:])
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 {
			return set
		}
		for _, s := range b[:n] {
			set |= Bit(syscall.Signal(s))
		}
	}
}

// Release gives the signals back to the Go runtime, once package os/signal takes them, and sends
// again those that came meanwhile.
func Release(s *State) {
	if signalW == 0 {
		return // it never took them
	}
	if act, ok := runtimeAction(); ok {
		act.set()
	}
	set := s.Signals | came()
	for _, sig := range signals {
		if set&Bit(sig) != 0 {
			_ = syscall.Kill(syscall.Getpid(), sig)
		}
	}
}
