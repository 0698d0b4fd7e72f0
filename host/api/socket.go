package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// SocketBusyError means that another process answers on the socket.
type SocketBusyError struct{ Path string }

// Error implements error.
func (e *SocketBusyError) Error() string {
	return fmt.Sprintf("node.socket %s: another node answers there; stop it, or set node.socket to another path", e.Path)
}

// Listen opens the unix socket, to which only this user may connect. It creates the
// socket's folder if it is missing, and replaces a socket that a dead node left behind. If
// a process answers on the socket, the error is a *SocketBusyError.
func Listen(ctx context.Context, path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("node.socket: %w", err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	// The mode is set before the file exists, so that nobody else can connect in between.
	private := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) error {
		var failed error
		if err := conn.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) }); err != nil {
			return err
		}
		return failed
	}}
	ln, err := private.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("node.socket %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("node.socket: %w", err)
	}
	return ln, nil
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
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("node.socket: can't tell whether another node uses it: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("node.socket: left by a dead node: %w", err)
	}
	return nil
}
