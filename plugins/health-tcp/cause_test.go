package main

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func dialError(cause error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", cause)}
}

func TestCauseOf(t *testing.T) {
	tests := map[string]struct {
		err  error
		want cause
		ours bool
	}{
		"refused":        {dialError(unix.ECONNREFUSED), refused, false},
		"to itself":      {errSelfConnect, refused, false},
		"deadline":       {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, timedOut, false},
		"context":        {context.DeadlineExceeded, timedOut, false},
		"kernel timeout": {dialError(unix.ETIMEDOUT), timedOut, false},
		"no route":       {dialError(unix.EHOSTUNREACH), unroutable, false},
		"no network":     {dialError(unix.ENETUNREACH), unroutable, false},
		"reset":          {dialError(unix.ECONNRESET), reset, false},
		"no such name":   {&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, noName, false},
		"slow name":      {&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, nameTimeout, false},
		"too many files": {dialError(unix.EMFILE), shortage, true},
		"no local port":  {dialError(unix.EADDRNOTAVAIL), shortage, true},
		"local firewall": {dialError(unix.EPERM), forbidden, true},
		"missing port":   {&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port in address"}}, unusable, true},
		"shutting down":  {context.Canceled, interrupted, true},
		"something else": {errors.New("odd"), otherCause, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := causeOf(tt.err); got != tt.want || got.ours() != tt.ours {
				t.Errorf("got %q, ours %v; want %q, %v", got, got.ours(), tt.want, tt.ours)
			}
		})
	}
}

func TestRealDialsAreToldApart(t *testing.T) {
	open := listen(t)
	closed := freeAddress(t)
	tests := map[string]struct {
		address string
		want    cause
	}{
		"open":     {open, ""},
		"closed":   {closed, refused},
		"no port":  {"127.0.0.1", unusable},
		"bad name": {"not a name:80", noName},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			a := dial(ctx, tt.address, "")
			switch {
			case a.err == nil && tt.want == "":
				if a.took <= 0 || a.remote != tt.address {
					t.Errorf("took %s, remote %q", a.took, a.remote)
				}
			case a.err == nil:
				t.Error("connected")
			case causeOf(a.err) != tt.want:
				t.Errorf("%q, want %q: %v", causeOf(a.err), tt.want, a.err)
			}
		})
	}
}

func TestALostNameGoesToTheLastAddress(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	address := listen(t)
	if a := dial(ctx, "not a name:80", address); a.err != nil || a.remote != address {
		t.Errorf("remote %q, %v", a.remote, a.err)
	}
}

// listen accepts and hangs up until the test ends.
func listen(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// freeAddress returns an address nobody listens on: the port stays bound, so that
// nobody else can take it.
func freeAddress(t testing.TB) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}).String()
}
