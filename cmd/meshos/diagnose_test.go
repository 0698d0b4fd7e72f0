package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// listenWith listens and does something with each connection.
func listenWith(t *testing.T, serve func(net.Conn)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return path
}

// full listens on a socket on which so many wait already that no more can.
func full(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		conn, err := net.Dial("unix", path)
		if errors.Is(err, syscall.EAGAIN) {
			return path
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	testneeds.Missing(t, "the kernel lets any number wait")
	return ""
}

func TestWhyANodeDoesNotAnswerIsToldApart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, c := range []struct{ name, path, want string }{
		{"no such socket", filepath.Join(t.TempDir(), "s"), "it does not exist"},
		{"not a socket", file, "it is not a socket"},
		{"a node that closes connections at once", listenWith(t, func(c net.Conn) { _ = c.Close() }), "it has too many"},
		{"another program", listenWith(t, func(c net.Conn) {
			_, _ = c.Write([]byte("220 mail.example.com ESMTP\r\n"))
			_ = c.Close()
		}), "not a meshos node"},
		{"busy", full(t), "too busy to accept connections"},
	} {
		var s shell
		code := s.run(t.Context(), "status", "--address", c.path)
		if code != exitNoAnswer || !strings.Contains(s.err.String(), c.want) {
			t.Errorf("%s: exit code %d: %s", c.name, code, s.err.String())
		}
	}
}

// Whether a user may not, or no node runs, is told apart; and what to do about it.
func TestPermissionDeniedIsSaid(t *testing.T) {
	mode := func(m os.FileMode) os.FileInfo {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, "")
		if err := os.Chmod(path, m); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if hint := accessHint(mode(0o600), 0o020); !strings.Contains(hint, "run this as root") || !strings.Contains(hint, "node.socket_group") {
		t.Errorf("a socket without a group: %s", hint)
	}
	if hint := accessHint(mode(0o660), 0o020); !strings.Contains(hint, "members of the group ") || !strings.Contains(hint, "usermod -aG ") {
		t.Errorf("a socket with a group: %s", hint)
	}
	if os.Getuid() == 0 {
		return // root may connect to everything; e2e tries it as another user
	}
	path := listenWith(t, func(net.Conn) {})
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	var s shell
	code := s.run(t.Context(), "status", "--address", path)
	if code != exitDenied || !strings.Contains(s.err.String(), "the socket is closed to this user") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestTooManyConnectionsAreSaid(t *testing.T) {
	_, s := start(t)
	for {
		a := &app{env: func(key string) string { return s.env[key] }, timeout: 1}
		n, err := a.connect()
		if err != nil {
			t.Fatal(err)
		}
		defer n.close()
		watch, err := n.WatchSnapshots(t.Context(), &hostv1.WatchSnapshotsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); err != nil {
			break
		}
	}
	code := s.run(t.Context(), "status")
	if code != exitNoAnswer || !strings.Contains(s.err.String(), ": too many connections: uid ") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
