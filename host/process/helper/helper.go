package helper

import (
	"syscall"
	"unsafe"

	"github.com/meshos/meshos/host/process/order"
)

func init() {
	if given, ok := argument(); ok {
		(&helper{given: given}).run()
		syscall.Exit(failed)
	}
}

// failed is the exit code of a helper that did not become its program.
const failed = 127

// argument returns the helper's argument; false in a process that is not the helper. It
// reads them from the kernel, since package os is initialized later.
func argument() (kept int, ok bool) {
	var b [256]byte
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	n, err := syscall.Read(fd, b[:])
	_ = syscall.Close(fd)
	if err != nil || n == len(b) {
		return 0, false
	}
	args := split(string(b[:n]))
	if len(args) != 3 || args[1] != order.Command || len(args[2]) != 1 || args[2][0] < '0' || args[2][0] > '9' {
		return 0, false
	}
	return int(args[2][0] - '0'), true
}

// split splits what ends in NUL each.
func split(s string) (parts []string) {
	begin := 0
	for i := range len(s) {
		if s[i] == 0 {
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return parts
}

// helper carries out one order.
type helper struct {
	given  int // how many descriptors the program keeps beside 0, 1 and 2
	order  order.Order
	status order.Status
}

// Descriptors.
func (h *helper) orderFD() int   { return 3 + h.given }
func (h *helper) statusFD() int  { return 4 + h.given }
func (h *helper) programFD() int { return 5 + h.given }

// run does not return if the program is executed.
func (h *helper) run() {
	text, ok := readAll(h.orderFD())
	if ok {
		h.order, ok = order.Decode(text)
	}
	if !ok {
		complain("meshos: " + order.Command + " is started by a node and by nobody else\n")
		syscall.Exit(2)
	}
	syscall.CloseOnExec(h.orderFD())
	syscall.CloseOnExec(h.statusFD())
	name := [...]byte{'m', 'e', 's', 'h', 'o', 's', '-', 's', 'p', 'a', 'w', 'n', 0}
	_ = prctl(prSetName, uintptr(unsafe.Pointer(&name[0]))) // for ps, which shows it if the program hangs
	h.confine()
	if !h.takeRights() {
		return
	}
	if h.order.Dir != "" {
		if err := syscall.Chdir(h.order.Dir); err != nil {
			h.answer(order.AtDir, err)
			return
		}
	}
	switch h.order.Program {
	case order.ByPath:
		h.execPath()
	case order.ByDescriptor:
		syscall.CloseOnExec(h.programFD())
		h.execDescriptor(h.programFD())
	case order.ScriptByDescriptor:
		h.execScript()
	case order.Copy:
		h.copy()
	default:
		h.answer(order.AtOrder, nil)
	}
}

// answer writes a record to the status pipe.
func (h *helper) answer(step order.Step, err error) {
	h.status.Step = step
	if errno, ok := err.(syscall.Errno); ok {
		h.status.Errno = uint32(errno)
	}
	b := h.status.Encode()
	_, _ = syscall.Write(h.statusFD(), b[:])
}

// found notes what the file is.
func (h *helper) found(info *syscall.Stat_t) {
	h.status.Mode, h.status.Size, h.status.Mtime = info.Mode, uint64(info.Size), info.Mtim.Nano()
	h.status.Device, h.status.Inode, h.status.Ctime = uint64(info.Dev), info.Ino, info.Ctim.Nano()
}

// readAll reads a file from its beginning.
func readAll(fd int) (text []byte, ok bool) {
	var b [4096]byte
	for {
		n, err := syscall.Pread(fd, b[:], int64(len(text)))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, false
		}
		if n == 0 {
			return text, true
		}
		text = append(text, b[:n]...)
	}
}

func complain(text string) { _, _ = syscall.Write(2, []byte(text)) }
