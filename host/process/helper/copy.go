package helper

import (
	"syscall"

	"github.com/meshos/meshos/host/process/order"
)

// copy copies the file at the order's path to the program's descriptor.
func (h *helper) copy() {
	// Opening a pipe would wait for its writer.
	from, err := syscall.Open(h.order.Path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		h.answer(order.AtOpen, err)
		return
	}
	var info syscall.Stat_t
	if err := syscall.Fstat(from, &info); err != nil {
		h.answer(order.AtOpen, err)
		return
	}
	h.found(&info)
	var system syscall.Statfs_t
	if syscall.Fstatfs(from, &system) == nil {
		h.status.FileSystem = uint64(system.Type)
	}
	switch {
	case info.Mode&syscall.S_IFMT != syscall.S_IFREG:
		h.answer(order.AtKind, nil)
	case h.status.Size > h.order.MaxSize:
		h.answer(order.AtSize, nil)
	case written(from):
		h.answer(order.AtBusy, nil)
	default:
		step, err := h.copyFrom(from)
		var after syscall.Stat_t
		if step == order.Copied && syscall.Fstat(from, &after) == nil && (after.Size != info.Size || after.Mtim != info.Mtim) {
			step = order.AtBusy // who writes it may open it for each part
		}
		h.answer(step, err)
	}
}

// written reports whether somebody has the file open for writing: it can't be leased then. It
// is false where this user may not lease it, or the file system has no leases.
func written(fd int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETLEASE, syscall.F_RDLCK)
	if errno == 0 {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETLEASE, syscall.F_UNLCK)
	}
	return errno == syscall.EAGAIN
}

// copyFrom copies until the end of the file, which may grow meanwhile.
func (h *helper) copyFrom(from int) (order.Step, error) {
	for size := uint64(0); ; {
		n, err := syscall.Sendfile(h.programFD(), from, nil, int(min(h.order.MaxSize-size+1, 1<<30)))
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil: // not every file system can do it, and it does not say which end failed
			return h.copyByReading(from, size)
		case n == 0:
			h.status.Size = size
			return order.Copied, nil
		}
		if size += uint64(n); size > h.order.MaxSize {
			h.status.Size = size
			return order.AtSize, nil
		}
	}
}

// copyByReading is copyFrom with a buffer, after the first bytes.
func (h *helper) copyByReading(from int, size uint64) (order.Step, error) {
	b := make([]byte, 1<<20)
	for {
		n, err := syscall.Read(from, b)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return order.AtRead, err
		case n == 0:
			h.status.Size = size
			return order.Copied, nil
		}
		if size += uint64(n); size > h.order.MaxSize {
			h.status.Size = size
			return order.AtSize, nil
		}
		for rest := b[:n]; len(rest) > 0; {
			n, err := syscall.Write(h.programFD(), rest)
			if err != nil && err != syscall.EINTR {
				return order.AtWrite, err
			}
			rest = rest[max(0, n):]
		}
	}
}
