package api

import (
	"context"
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Caller is the process that opened the connection of a call, as the kernel names it.
type Caller struct {
	UID, GID uint32
	PID      int    // 0 if the process is outside of this one's PID namespace
	Plugin   string // the plugin that the process belongs to; "" for none
}

// CallerFrom returns who makes a call. It is false for calls that did not come through the
// socket.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := connectionOf(ctx)
	if !ok {
		return Caller{}, false
	}
	return c.caller, true
}

func connectionOf(ctx context.Context) (*connection, bool) {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return nil, false
	}
	info, ok := from.AuthInfo.(authInfo)
	return info.connection, ok
}

// authInfo carries the connection into the handlers.
type authInfo struct {
	credentials.CommonAuthInfo

	connection *connection
}

// AuthType implements credentials.AuthInfo.
func (authInfo) AuthType() string { return "peercred" }

// kernelCredentials are transport credentials that exchange nothing: who is at the other
// end of a unix socket is what the kernel says. Clients need no credentials.
type kernelCredentials struct{}

// ServerHandshake implements credentials.TransportCredentials.
func (kernelCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := conn.(*connection)
	if !ok {
		return nil, nil, errors.New("the connection was not accepted by the service's own listener")
	}
	return conn, authInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, c}, nil
}

// ClientHandshake implements credentials.TransportCredentials.
func (kernelCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these credentials are the server's")
}

// Info implements credentials.TransportCredentials.
func (kernelCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "peercred"}
}

// Clone implements credentials.TransportCredentials.
func (k kernelCredentials) Clone() credentials.TransportCredentials { return k }

// OverrideServerName implements credentials.TransportCredentials.
func (kernelCredentials) OverrideServerName(string) error { return nil }

// peerOf asks the kernel who opened a connection. gone means that the process has ended
// since, so that its PID may be that of another one.
func peerOf(conn net.Conn, examine func(Caller) string) (caller Caller, gone bool, err error) {
	has, ok := conn.(syscall.Conn)
	if !ok {
		return caller, false, errors.New("the connection is not one of a socket")
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return caller, false, err
	}
	var failed error
	pidfd, reaped := -1, false
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); failed == nil {
			caller = Caller{UID: cred.Uid, GID: cred.Gid, PID: int(cred.Pid)}
		}
		pidfd, reaped = peerPidfd(int(fd))
	})
	if err = errors.Join(err, failed); err != nil {
		return caller, false, err
	}
	defer func() {
		if pidfd >= 0 {
			_ = unix.Close(pidfd)
		}
	}()
	if caller.PID > 0 && examine != nil {
		caller.Plugin = examine(caller)
	}
	// What was read of /proc/PID was of that process only if it is still there now.
	return caller, caller.PID > 0 && (reaped || ended(caller.PID, pidfd)), nil
}

// soPeerPidfd is SO_PEERPIDFD, of Linux 6.5.
const soPeerPidfd = 77

// peerPidfd returns a descriptor of the process that opened a connection, -1 if the kernel
// has none, and whether that is because the process has ended.
func peerPidfd(fd int) (pidfd int, reaped bool) {
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, soPeerPidfd)
	if err != nil {
		return -1, errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL)
	}
	return pidfd, false
}

// ended reports whether a process has ended. Without a descriptor of it, another process
// with its PID counts as the same.
func ended(pid, pidfd int) bool {
	var err error
	if pidfd >= 0 {
		err = unix.PidfdSendSignal(pidfd, 0, nil, 0)
	} else {
		err = unix.Kill(pid, 0)
	}
	return errors.Is(err, unix.ESRCH)
}
