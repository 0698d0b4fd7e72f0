package helper

import (
	"runtime"
	"syscall"
	"unsafe"

	"github.com/meshos/meshos/host/process/order"
)

// execPath executes the file at the order's path.
func (h *helper) execPath() {
	h.answer(order.AtExec, nil)
	err := syscall.Exec(h.order.Path, h.order.Argv, h.order.Env)
	var info syscall.Stat_t
	if syscall.Stat(h.order.Path, &info) == nil {
		h.found(&info)
	}
	h.answer(order.NoExec, err)
}

// execScript executes a file with an interpreter, which opens the descriptor anew. It
// gets one that can only be read, directly behind those that are handed over.
func (h *helper) execScript() {
	read, err := syscall.Open("/proc/self/fd/"+decimal(h.programFD()), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		h.answer(order.AtOpen, err)
		return
	}
	syscall.CloseOnExec(h.programFD())
	if err := syscall.Dup3(read, h.orderFD(), 0); err != nil { // the order has been read
		h.answer(order.AtOpen, err)
		return
	}
	h.execDescriptor(h.orderFD())
}

// execDescriptor executes an open file.
func (h *helper) execDescriptor(fd int) {
	h.answer(order.AtExec, nil)
	err := execveat(fd, h.order.Argv, h.order.Env)
	var info syscall.Stat_t
	if syscall.Fstat(fd, &info) == nil {
		h.found(&info)
	}
	h.answer(order.NoExec, err)
}

// atEmptyPath has execveat execute the descriptor itself.
const atEmptyPath = 0x1000

func execveat(fd int, argv, env []string) error {
	argvp, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	var empty byte
	_, _, errno := syscall.RawSyscall6(execveatNumber(), uintptr(fd), uintptr(unsafe.Pointer(&empty)),
		uintptr(unsafe.Pointer(&argvp[0])), uintptr(unsafe.Pointer(&envp[0])), atEmptyPath, 0)
	return errno
}

// decimal returns a number as text.
func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// execveatNumber returns the number of the system call. Package syscall does not know it
// on every machine, and x/sys takes too long to initialize.
func execveatNumber() uintptr {
	switch runtime.GOARCH {
	case "amd64":
		return 322
	case "386":
		return 358
	case "arm":
		return 387
	case "ppc64", "ppc64le":
		return 362
	case "s390x":
		return 354
	}
	return 281 // of all newer machines
}
