package netlab_test

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

// newSwitch returns a switch with an echo server on each host.
func newSwitch(t *testing.T, hosts int) *netlab.Switch {
	t.Helper()
	testneeds.Root(t, "make network namespaces")
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		testneeds.Missing(t, "needs /dev/net/tun for links between network namespaces: modprobe tun")
	}
	s, err := netlab.NewSwitch(hosts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := 1; i <= hosts; i++ {
		h := s.Host(i)
		if err := h.Do(func() error {
			c, err := net.ListenUDP("udp", at(h.Address))
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = c.Close() })
			go echo(c)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func at(ip netip.Addr) *net.UDPAddr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 7)) }

func echo(c *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_, _ = c.WriteToUDPAddrPort(b[:n], from)
		}
	}
}

// asks reports whether a host hears an answer of another one soon.
func asks(t *testing.T, from, to *netlab.Host) bool {
	t.Helper()
	var answered bool
	if err := from.Do(func() error {
		c, err := net.DialUDP("udp", nil, at(to.Address))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if _, err := c.Write([]byte("hello\n")); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		line, err := bufio.NewReader(c).ReadString('\n')
		answered = err == nil && line == "hello\n"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return answered
}

func TestASwitchJoinsNamespacesAndCutsThem(t *testing.T) {
	s := newSwitch(t, 3)
	reaches := func(from, to int) bool { return asks(t, s.Host(from), s.Host(to)) }
	testkit.Until(t, "1 reaches 2", func() bool { return reaches(1, 2) })
	testkit.Until(t, "3 reaches 1", func() bool { return reaches(3, 1) })

	s.Cut([]int{1}, []int{2, 3})
	if reaches(1, 2) || reaches(3, 1) {
		t.Error("hosts that are cut reach each other")
	}
	testkit.Until(t, "2 reaches 3, which is on its side of the cut", func() bool { return reaches(2, 3) })

	s.Heal()
	testkit.Until(t, "1 reaches 2 again", func() bool { return reaches(1, 2) })

	s.OneWay([]int{1}, []int{2})
	if reaches(2, 1) {
		t.Error("an answer went the way that is cut")
	}
	testkit.Until(t, "1 reaches 3", func() bool { return reaches(1, 3) })

	s.Heal()
	s.Weather(100, 0)
	if reaches(1, 2) {
		t.Error("a packet got through although all are lost")
	}
	s.Weather(30, time.Millisecond)
	testkit.Until(t, "some packets are not lost", func() bool { return reaches(1, 2) })
	if s.Host(1).Sent() == 0 {
		t.Error("host 1 has sent nothing")
	}
}

func TestASwitchLimitsWhatEachHostSendsInASecond(t *testing.T) {
	s := newSwitch(t, 2)
	reaches := func() bool { return asks(t, s.Host(1), s.Host(2)) }
	testkit.Until(t, "1 reaches 2", reaches)
	s.Rate(100)
	testkit.Until(t, "answers don't come any more, since each takes longer than anybody waits", func() bool { return !reaches() })
	s.Rate(0)
	testkit.Until(t, "1 reaches 2 again", reaches)
}
