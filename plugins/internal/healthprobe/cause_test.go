package healthprobe

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
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
		"no local port":  {dialError(unix.EADDRNOTAVAIL), noLocal, true},
		"local firewall": {dialError(unix.EPERM), forbidden, true},
		"missing port":   {&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port in address"}}, unusable, true},
		"shutting down":  {context.Canceled, interrupted, true},
		"something else": {errors.New("odd"), otherCause, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ours := Reason(tt.err); got != string(tt.want) || ours != tt.ours {
				t.Errorf("got %q, ours %v; want %q, %v", got, ours, tt.want, tt.ours)
			}
		})
	}
}

func TestCausesOfRealDialsAreDistinguished(t *testing.T) {
	open := testkit.Accepting(t)
	closed := testkit.FreeAddress(t)
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
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
			defer cancel()
			c, err := Dialer{}.Dial(ctx, tt.address, Route{})
			if err == nil {
				defer c.Close()
			}
			switch got, _ := Reason(err); {
			case err == nil && tt.want == "":
				if c.Took <= 0 || c.Remote != tt.address {
					t.Errorf("took %s, remote %q", c.Took, c.Remote)
				}
			case err == nil:
				t.Error("connected")
			case got != string(tt.want):
				t.Errorf("%q, want %q: %v", got, tt.want, err)
			}
		})
	}
}

func TestWithoutTheNameTheLastAddressIsUsed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	address := testkit.Accepting(t)
	c, err := Dialer{}.Dial(ctx, "not a name:80", Route{Last: address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Remote != address {
		t.Errorf("remote %q", c.Remote)
	}
}

// A broken name server most often does not answer at all.
func TestANameServerThatIsSilentLeavesTimeForTheLastAddress(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	asking := make(chan net.Conn, 100)
	defer func() { // or the resolver would go on waiting for an answer
		for len(asking) > 0 {
			(<-asking).Close()
		}
	}()
	d := Dialer{Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, "udp", silent.LocalAddr().String())
			if err == nil {
				asking <- c
			}
			return c, err
		},
	}}
	address := testkit.Accepting(t)
	const limit = 10 * time.Second // the name server has half of it
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if c, err := d.Dial(ctx, "peer.example:80", Route{Last: address}); err != nil {
		t.Errorf("with an address that answered before: %v", err)
	} else {
		if all := time.Since(began); c.Remote != address || c.Took > all-limit/2 {
			t.Errorf("with an address that answered before: remote %q after %v, with the lookup %v", c.Remote, c.Took, all)
		}
		c.Close()
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = d.Dial(ctx, "peer.example:80", Route{})
	if got, _ := Reason(err); got != string(nameTimeout) {
		t.Errorf("without one: %q, want %q: %v", got, nameTimeout, err)
	}
}

func TestAConnectIsTimedFromItsOwnStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s starts
		began := time.Now()
		s.note("[2001:db8::1]:80")
		time.Sleep(300 * time.Millisecond)
		s.note("192.0.2.1:80")
		for address, want := range map[string]time.Duration{
			"[2001:db8::1]:80":      0,
			"192.0.2.1:80":          300 * time.Millisecond,
			"[fe80::1%eth0]:80 odd": 300 * time.Millisecond,
		} {
			if got := s.of(address).Sub(began); got != want {
				t.Errorf("%s began after %v, want %v", address, got, want)
			}
		}
	})
}
