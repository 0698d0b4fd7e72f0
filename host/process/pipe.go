package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// pipe is the read end of a child's output. It records when it was read to its end, so that the
// grace after the exit is not waited for needlessly.
type pipe struct {
	file     *os.File
	once     sync.Once
	ended    chan struct{} // closed at end of file, error or Close
	finished atomic.Bool   // nothing that is written after this is read
	left     int           // once finished: bytes that may still be read; only Read uses it then
	alone    bool          // see TakeAlone; only the reader uses it
}

// newPipe returns a pipe and its write end.
func newPipe() (*pipe, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &pipe{file: r, ended: make(chan struct{})}, w, nil
}

// Read reads what the child wrote. After Close, also by another goroutine, it returns
// os.ErrClosed. It is for one goroutine at a time.
func (p *pipe) Read(b []byte) (n int, err error) {
	if !p.finished.Load() {
		if p.alone {
			n, err = p.readAlone(b)
		} else {
			n, err = p.file.Read(b)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
	}
	if n == 0 && err == nil && len(b) > 0 && p.finished.Load() {
		n, err = p.readRest(b)
	}
	if err != nil {
		p.once.Do(func() { close(p.ended) })
	}
	return n, err
}

// finish ends the output although another process may still hold the write end. What is written
// by now can be read at any later time: the reader may be waiting for a disk.
func (p *pipe) finish() {
	rest := 0
	raw, err := p.file.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { rest, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }) // FIONREAD
	}
	p.left = rest
	p.finished.Store(true)
	if err != nil || rest == 0 || p.file.SetReadDeadline(time.Unix(1, 0)) != nil {
		_ = p.Close()
	}
}

// readRest reads of what was in the pipe when it was finished, and closes it at the end of that.
func (p *pipe) readRest(b []byte) (n int, err error) {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	b = b[:min(len(b), p.left)]
	var failed error
	err = raw.Control(func(fd uintptr) { n, failed = unix.Read(int(fd), b) })
	if err = errors.Join(err, failed); err != nil || n <= 0 { // EAGAIN: nothing is left
		_ = p.Close()
		return 0, io.EOF
	}
	p.left -= n
	return n, nil
}

// Close closes the read end; a child that writes gets SIGPIPE then. It may be called more than
// once.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.ended) })
	return p.file.Close()
}
