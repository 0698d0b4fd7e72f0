package healthprobe

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
)

func TestATouchKnowsHowItEnded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	open := netip.MustParseAddrPort(testkit.Accepting(t))
	if a := Touch(ctx, open); a.Err != nil || a.Remote != open.String() || a.Took <= 0 {
		t.Errorf("open: %+v", a)
	}
	if v6, err := net.Listen("tcp", "[::1]:0"); err == nil { // else the machine has no IPv6
		defer func() { _ = v6.Close() }()
		if a := Touch(ctx, v6.Addr().(*net.TCPAddr).AddrPort()); a.Err != nil {
			t.Errorf("IPv6: %v", a.Err)
		}
	}
	for what, to := range map[string]struct {
		address string
		want    cause
	}{
		"closed":    {testkit.FreeAddress(t), refused},
		"broadcast": {"255.255.255.255:80", unroutable},
	} {
		a := Touch(ctx, netip.MustParseAddrPort(to.address))
		if got, _ := Reason(a.Err); got != string(to.want) {
			t.Errorf("%s: %q, want %q: %v", what, got, to.want, a.Err)
		}
	}
}

// deaf listens on an address at which connections stay in the making until hear is called.
func deaf(t *testing.T) (address netip.AddrPort, hear func()) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = addrPortOf(name)
	first, err := net.Dial("tcp", address.String()) // nobody accepts it, and there is room for one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Close() })
	return address, func() {
		if accepted, _, err := unix.Accept(fd); err == nil {
			_ = unix.Close(accepted)
		}
	}
}

func TestATouchThatIsNotAnsweredEndsWithItsTime(t *testing.T) {
	address, hear := deaf(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, ours := Reason(Touch(ctx, address).Err); got != string(timedOut) || ours {
		t.Errorf("at its deadline: %q", got)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if got, ours := Reason(Touch(ctx, address).Err); got != string(interrupted) || !ours {
		t.Errorf("interrupted: %q", got)
	}
	ctx, cancel = context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	time.AfterFunc(10*time.Millisecond, hear)
	if a := Touch(ctx, address); a.Err != nil {
		t.Errorf("answered late: %+v", a)
	}
}

func TestAnAnswerThatComesLateHasItsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	testkit.Until(t, "a touch that began before its answer", func() bool {
		address, hear := deaf(t)
		time.AfterFunc(10*time.Millisecond, hear)
		a := Touch(ctx, address)
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		return a.Took >= 5*time.Millisecond
	})
}
