package helper

import (
	"syscall"

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

// execDescriptor executes an open file. It does so by the file's path in /proc, since
// syscall.Exec sets the limit of open files back that package syscall has raised, and
// there is no such function for execveat.
func (h *helper) execDescriptor(fd int) {
	h.answer(order.AtExec, nil)
	err := syscall.Exec("/proc/self/fd/"+decimal(fd), h.order.Argv, h.order.Env)
	var info syscall.Stat_t
	if syscall.Fstat(fd, &info) == nil {
		h.found(&info)
	}
	h.answer(order.NoExec, err)
}

// decimal returns a number as text.
func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}
