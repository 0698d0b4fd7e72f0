package netlab

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
)

// Link is the link of the namespace, whose other side is a function.
type Link struct {
	tun    *os.File
	read   sync.WaitGroup
	mu     sync.Mutex
	answer func(Echo) []Answer
	counts map[netip.Addr]int
	owned  int // IPv4 addresses
	timers sync.WaitGroup
}

// New brings up the link with this MTU, and loopback. Until Reset nobody answers.
func New(t testing.TB, mtu int) *Link {
	t.Helper()
	l := &Link{tun: open(t, mtu), counts: map[netip.Addr]int{}, answer: func(Echo) []Answer { return nil }}
	l.read.Go(l.run)
	t.Cleanup(func() {
		_ = l.tun.Close()
		l.read.Wait()
		l.timers.Wait()
	})
	return l
}

// Reset lets answer answer from now on, and counts echoes from 0 again. It is called for one
// echo at a time.
func (l *Link) Reset(answer func(Echo) []Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.counts)
	l.answer = answer
}

// Down takes the link down, and with it the route to everybody.
func (l *Link) Down(t testing.TB) {
	t.Helper()
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, interfaceNamed(t, "tun0")); err != nil {
		t.Fatalf("take the link down: %v", err)
	}
}

func (l *Link) run() {
	b := make([]byte, 1<<16)
	for {
		n, err := l.tun.Read(b)
		if err != nil {
			return // closed
		}
		e, ok := request(b[:n])
		if !ok {
			continue
		}
		l.mu.Lock()
		e.Nth = l.counts[e.To]
		l.counts[e.To]++
		answers := l.answer(e)
		l.mu.Unlock()
		for _, a := range answers {
			l.timers.Add(1)
			time.AfterFunc(a.After, func() {
				defer l.timers.Done()
				_, _ = l.tun.Write(a.Packet) // fails after the end
			})
		}
	}
}

// request reads a packet that is an echo request.
func request(b []byte) (e Echo, ok bool) {
	if len(b) >= ip6Header+icmpHeader && b[0]>>4 == 6 && b[6] == 58 && b[ip6Header] == 128 {
		return Echo{To: netip.AddrFrom16([16]byte(b[24:40])), DF: true, Request: append([]byte(nil), b...)}, true
	}
	if len(b) < ipHeader+icmpHeader || b[0] != 0x45 || b[9] != 1 || b[ipHeader] != 8 {
		return e, false
	}
	return Echo{
		To: netip.AddrFrom4([4]byte(b[16:20])), DF: b[6]&0x40 != 0, Request: append([]byte(nil), b...),
	}, true
}

// open makes tun0, and configures it and loopback.
func open(t testing.TB, mtu int) *os.File {
	t.Helper()
	check := func(what string, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	check("open /dev/net/tun", err)
	tun := interfaceNamed(t, "tun0")
	tun.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	check("make tun0", unix.IoctlIfreq(fd, unix.TUNSETIFF, tun))
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check("open a socket", err)
	defer unix.Close(s)
	address := interfaceNamed(t, "tun0")
	check("the address", address.SetInet4Addr([]byte{10, 77, 0, 1}))
	check("set the address", unix.IoctlIfreq(s, unix.SIOCSIFADDR, address))
	check("the mask", address.SetInet4Addr([]byte{255, 255, 0, 0}))
	check("set the mask", unix.IoctlIfreq(s, unix.SIOCSIFNETMASK, address))
	size := interfaceNamed(t, "tun0")
	size.SetUint32(uint32(mtu))
	check("set the MTU", unix.IoctlIfreq(s, unix.SIOCSIFMTU, size))
	for _, name := range []string{"lo", "tun0"} {
		up := interfaceNamed(t, name)
		up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		check("bring up "+name, unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, up))
	}
	addIPv6(t, "tun0", netip.MustParsePrefix("fd77::1/64"))
	return os.NewFile(uintptr(fd), "tun0")
}

// Own gives the namespace an address of its own, on which servers may listen.
func (l *Link) Own(t testing.TB, ip netip.Addr) {
	t.Helper()
	if ip.Is6() {
		addIPv6(t, "lo", netip.PrefixFrom(ip, 128))
		return
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	l.owned++
	address := interfaceNamed(t, fmt.Sprintf("lo:%d", l.owned))
	if err := address.SetInet4Addr(ip.AsSlice()); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(s, unix.SIOCSIFADDR, address); err != nil {
		t.Fatalf("set %s: %v", ip, err)
	}
	if err := address.SetInet4Addr([]byte{255, 255, 255, 255}); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(s, unix.SIOCSIFNETMASK, address); err != nil {
		t.Fatalf("set the mask of %s: %v", ip, err)
	}
}

// in6Ifreq is the kernel's struct in6_ifreq.
type in6Ifreq struct {
	address [16]byte
	length  uint32
	index   int32
}

// addIPv6 gives an interface an IPv6 address. Neither loopback nor tun0 looks for duplicates.
func addIPv6(t testing.TB, name string, p netip.Prefix) {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("open an IPv6 socket: %v", err)
	}
	defer unix.Close(s)
	request := in6Ifreq{p.Addr().As16(), uint32(p.Bits()), int32(i.Index)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatalf("set %s on %s: %v", p, name, errno)
	}
	testkit.Until(t, p.String()+" can be used", func() bool {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.Addr(), 0)))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func interfaceNamed(t testing.TB, name string) *unix.Ifreq {
	t.Helper()
	r, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
