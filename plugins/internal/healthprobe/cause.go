package healthprobe

import (
	"context"
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// cause is why an attempt failed, as a text for the log and for operators. The same reason
// always has the same text.
type cause string

const (
	refused     cause = "refused: nobody listens"
	timedOut    cause = "timed out"
	unroutable  cause = "no route"
	noName      cause = "no such name"
	nameTimeout cause = "name not resolved in time"
	reset       cause = "reset while connecting"
	otherCause  cause = "failed"
	shortage    cause = "this machine is short of sockets"
	noLocal     cause = "this machine has no address or no free port to connect from"
	forbidden   cause = "this machine forbids the connection"
	unusable    cause = "not an address that can be checked"
	interrupted cause = "interrupted"
)

// ours reports whether the failure is one of this machine or its configuration, and not of
// the peer.
func (c cause) ours() bool {
	return c == shortage || c == noLocal || c == forbidden || c == unusable || c == interrupted
}

// errSelfConnect is a connection of a TCP socket with itself: that happens when the kernel
// picks the port of the target, on which nobody listens, as the local port.
var errSelfConnect = errors.New("connected to itself")

// Reason returns in a few words why an attempt failed, "" if it did not, and whether that
// is a fault of this machine or its configuration.
func Reason(err error) (reason string, ours bool) {
	if err == nil {
		return "", false
	}
	why := causeOf(err)
	return string(why.cause), why.ours
}

// classified is a cause, and whether it is a fault of this machine.
type classified struct {
	cause cause
	ours  bool
}

// causeOf classifies an error of an attempt.
func causeOf(err error) classified {
	if failure := (*Failure)(nil); errors.As(err, &failure) {
		return classified{cause(failure.Reason), failure.Ours}
	}
	c := dialCause(err)
	return classified{c, c.ours()}
}

// dialCause classifies an error of a dialer.
func dialCause(err error) cause {
	var dns *net.DNSError
	var address *net.AddrError
	switch {
	case errors.Is(err, context.Canceled):
		return interrupted
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, errSelfConnect):
		return refused
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS),
		errors.Is(err, unix.ENOMEM), errors.Is(err, unix.EAGAIN):
		return shortage
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return noLocal
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return forbidden
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return unroutable
	case errors.Is(err, unix.ECONNRESET):
		return reset
	case errors.As(err, &address):
		return unusable
	case errors.As(err, &dns) && dns.IsTimeout:
		return nameTimeout
	case errors.As(err, &dns):
		return noName
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, unix.ETIMEDOUT), isTimeout(err):
		return timedOut
	}
	return otherCause
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
