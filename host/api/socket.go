package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/readfile"
)

// SocketBusyError means that another process answers on the socket.
type SocketBusyError struct{ Path string }

// Error implements error.
func (e *SocketBusyError) Error() string {
	return fmt.Sprintf("node.socket %s: another node answers there; stop it, or set node.socket to another path", e.Path)
}

// Socket is the unix socket of a node. It is a net.Listener whose file can be made anew.
type Socket struct {
	path  string
	group string // whose members may connect; "" for none

	mu     sync.Mutex
	ln     *net.UnixListener
	file   fs.FileInfo // of the socket's file, as it was made
	closed bool
	// shut is why the members of the group can't connect; nil if they can.
	shut error
}

// Listen opens the unix socket, to which only this user may connect. It creates the
// socket's folder if it is missing, and replaces a socket that a dead node left behind. If
// a process answers on the socket, the error is a *SocketBusyError.
func Listen(ctx context.Context, path string) (*Socket, error) { return ListenFor(ctx, path, "") }

// ListenFor does the same, and lets the members of a group connect too, unless group is
// empty. If they can't be let in, Serve reports it, and tries again.
func ListenFor(ctx context.Context, path, group string) (*Socket, error) {
	return readfile.DoContext(ctx, path, readfile.Within, func() (*Socket, error) {
		s := &Socket{path: path, group: group}
		made := missing(filepath.Dir(path))
		var err error
		if s.ln, s.file, err = listen(ctx, path); err != nil {
			return nil, err
		}
		s.shut = s.letIn(made)
		return s, nil
	})
}

// letIn lets the members of the group connect. made are folders that were just made.
func (s *Socket) letIn(made []string) error {
	if s.group == "" {
		return nil
	}
	if err := letIn(s.path, s.group, made); err != nil {
		return fmt.Errorf("node.socket_group: %w", err)
	}
	return nil
}

func listen(ctx context.Context, path string) (*net.UnixListener, fs.FileInfo, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("node.socket: %w", err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, nil, err
	}
	// The mode is set before the file exists, so that nobody else can connect in between.
	private := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) error {
		var failed error
		if err := conn.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) }); err != nil {
			return err
		}
		return failed
	}}
	opened, err := private.Listen(ctx, "unix", path)
	if err != nil {
		return nil, nil, fmt.Errorf("node.socket %s: %w", path, err)
	}
	ln := opened.(*net.UnixListener)
	ln.SetUnlinkOnClose(false) // by then the name may be that of another node's socket
	err = os.Chmod(path, 0o600)
	var file fs.FileInfo
	if err == nil {
		file, err = os.Lstat(path)
	}
	if err != nil {
		_ = ln.Close()
		return nil, nil, fmt.Errorf("node.socket: %w", err)
	}
	return ln, file, nil
}

// Accept implements net.Listener. It goes on with the next listener when the socket was
// opened again.
func (s *Socket) Accept() (net.Conn, error) {
	for {
		ln := s.listener()
		conn, err := ln.Accept()
		if err != nil && s.listener() != ln {
			continue
		}
		return conn, err
	}
}

func (s *Socket) listener() *net.UnixListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ln
}

// Addr implements net.Listener.
func (s *Socket) Addr() net.Addr { return s.listener().Addr() }

// Close implements net.Listener. It removes the file if it is still this socket's.
func (s *Socket) Close() error {
	s.mu.Lock()
	closed, ln, file := s.closed, s.ln, s.file
	s.closed = true
	s.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	_, _ = readfile.Do(s.path, removeWithin, func() (any, error) {
		s.remove(file)
		return nil, nil
	})
	return ln.Close()
}

// removeWithin is how long the end of a node waits for the file of its socket to be removed.
const removeWithin = 200 * time.Millisecond

// remove removes the file of the socket, unless the path leads to another one.
func (s *Socket) remove(file fs.FileInfo) {
	if s.leadsTo(file) {
		_ = os.Remove(s.path)
	}
}

// leadsTo reports whether the path leads to a file. The inode of a socket can't be used
// again as long as the socket is open.
func (s *Socket) leadsTo(file fs.FileInfo) bool {
	now, err := os.Lstat(s.path)
	return err == nil && os.SameFile(now, file)
}

// removeStale removes a socket on which nobody listens.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("node.socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("node.socket %s: the file is not a socket; remove it, or set node.socket to another path", path)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return &SocketBusyError{Path: path}
	}
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return &SocketBusyError{Path: path} // so many wait there that no more can
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("node.socket: can't tell whether another node uses it: %w", err)
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(info, now) {
		return &SocketBusyError{Path: path} // somebody has just made it anew
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("node.socket: left by a dead node: %w", err)
	}
	return nil
}
