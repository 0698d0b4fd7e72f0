package catalog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/pinned"
)

// socket is where a plugin listens. Its path is looked up once: the plugin can put
// something else there later.
type socket struct {
	path string

	mu     sync.Mutex
	file   *os.File // the socket's file, opened with O_PATH; nil until it is there
	closed bool
}

// errNoSocket means that something else is where the socket should be.
var errNoSocket = errors.New("not a socket (symbolic links are not followed)")

// open opens the socket's file, in the directory that is the plugin's own.
func (s *socket) open() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil || s.closed {
		return s.file, nil
	}
	fd, err := unix.Open(s.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFSOCK {
		unix.Close(fd)
		return nil, errNoSocket
	}
	s.file = os.NewFile(uintptr(fd), s.path)
	return s.file, nil
}

// dial connects to the socket.
func (s *socket) dial(ctx context.Context) (net.Conn, error) {
	file, err := s.open()
	if err == nil && file == nil {
		err = net.ErrClosed
	}
	at := &net.UnixAddr{Name: s.path, Net: "unix"} // the path that people know
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: at, Err: err}
	}
	var conn net.Conn
	err = pinned.Do(file, func(fd int) (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", fd))
		return err
	})
	failed := (*net.OpError)(nil)
	switch {
	case errors.As(err, &failed):
		failed.Addr = at
	case err != nil: // it was closed just now
		err = &net.OpError{Op: "dial", Net: "unix", Addr: at, Err: net.ErrClosed}
	}
	return conn, err
}

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

// checkHandshake checks a handshake and what is at the path that it names. It returns what
// is wrong and what to do, or two empty strings.
func (l *launching) checkHandshake(line string) (problem, remedy string) {
	if problem, remedy = checkHandshake(line, l.instance.dir); problem != "" {
		return problem, remedy
	}
	s := &socket{path: strings.Split(line, "|")[3]}
	if _, err := s.open(); errors.Is(err, errNoSocket) { // one that is not there may come yet
		return fmt.Sprintf("what it listens on, %s, can't be used: %v", filepath.Base(s.path), err),
			"it has to listen on a unix socket in $" + socketsKey
	}
	l.instance.socket.Store(s)
	return "", ""
}

// dial connects to the socket that the handshake named.
func (l *launching) dial(ctx context.Context, _ string) (net.Conn, error) {
	if s := l.instance.socket.Load(); s != nil {
		return s.dial(ctx)
	}
	return nil, errNoSocket
}
