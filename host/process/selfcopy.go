package process

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/pinned"
)

// CopySelf returns a copy of this process's own binary in memory, so that processes that run it
// do not keep the file from being replaced: cp refuses to write what is being executed ("text
// file busy"). If one of these processes runs an equal copy, as one that an earlier process
// started, it is that copy: it takes no memory then. Dir is as that of LoadOptions.
func CopySelf(dir string, others ...Identity) (*Program, error) {
	own, err := os.Open(self)
	if err != nil {
		return nil, err
	}
	defer func() { _ = own.Close() }()
	info, err := own.Stat()
	if err != nil {
		return nil, err
	}
	if f := runningCopy(own, info.Size(), others); f != nil {
		return &Program{name: ownName, file: f, size: info.Size(), sealed: true}, nil
	}
	p := &Program{name: ownName, size: info.Size()}
	if p.file, p.sealed, err = newCopy(ownName, dir); err != nil {
		return nil, err
	}
	if _, err = io.Copy(p.file, own); err == nil {
		err = p.seal()
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("copy of the own program: %w", err)
	}
	return p, nil
}

// ownName is the name of our own binary's processes.
const ownName = "meshos"

// Running returns the copy that one of these processes executes, if it is equal to this one: then
// this one takes no memory any more, once it is closed. nil if none does.
func (p *Program) Running(others ...Identity) *Program {
	f := runningCopy(p.file, p.size, others)
	if f == nil {
		return nil
	}
	return &Program{name: p.name, file: f, size: p.size, sealed: true, Mode: p.Mode, ModTime: p.ModTime}
}

// runningCopy returns the copy in memory of a file that one of these processes executes; nil if
// none does.
func runningCopy(of *os.File, size int64, others []Identity) *os.File {
	for _, id := range others {
		if f := copyOf(id, of, size); f != nil {
			return f
		}
	}
	return nil
}

// copyOf returns the copy in memory that a process executes; nil if it executes something else.
func copyOf(id Identity, own *os.File, size int64) *os.File {
	exe := "/proc/" + strconv.Itoa(id.PID) + "/exe"
	if name, err := os.Readlink(exe); err != nil || !strings.HasPrefix(name, "/memfd:") || !Alive(id) {
		return nil
	}
	f, err := os.Open(exe)
	if err != nil {
		return nil
	}
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil || seals&unix.F_SEAL_WRITE == 0 || !sameContent(f, own, size) {
		_ = f.Close()
		return nil
	}
	return f
}

// sameContent reports whether two files of this size are equal.
func sameContent(a, b io.ReaderAt, size int64) bool {
	const piece = 1 << 20
	x, y := make([]byte, piece), make([]byte, piece)
	for at := int64(0); at < size; at += piece {
		n := min(piece, size-at)
		if _, err := a.ReadAt(x[:n], at); err != nil {
			return false
		}
		if _, err := b.ReadAt(y[:n], at); err != nil || !bytes.Equal(x[:n], y[:n]) {
			return false
		}
	}
	n, _ := a.ReadAt(x[:1], size)
	return n == 0
}

// firstFree is above the descriptors that a child gets, so that none of them takes its place.
const firstFree = 64

// startable returns a path by which a child can execute the program, its name, and a function
// that frees the path once the child does. Of nil it is our own binary.
func (p *Program) startable() (path, name string, free func(), err error) {
	if p == nil {
		return self, ownName, func() {}, nil
	}
	var fd int
	err = pinned.Do(p.file, func(of int) (err error) {
		fd, err = unix.FcntlInt(uintptr(of), unix.F_DUPFD_CLOEXEC, firstFree)
		return os.NewSyscallError("fcntl", err)
	})
	if err != nil {
		return "", "", nil, err
	}
	return "/proc/self/fd/" + strconv.Itoa(fd), p.name, func() { _ = unix.Close(fd) }, nil
}
