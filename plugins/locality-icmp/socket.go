package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// receiveBuffer is large enough for replies that arrive while the process is not running.
// The kernel limits it to net.core.rmem_max for a process without CAP_NET_ADMIN.
const receiveBuffer = 8 << 20

// batchConn is what this plugin uses of ipv4.PacketConn and ipv6.PacketConn.
type batchConn interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// controller is what this plugin uses of a syscall.RawConn.
type controller interface {
	Control(f func(fd uintptr)) error
}

// link is the socket of an address family.
type link struct {
	batchConn
	family family
	raw    bool // a raw socket; else an unprivileged ping socket

	control    controller  // of the socket that sends
	queue      *errorQueue // nil in tests
	departures departures
}

// withIPHeader reports whether received packets start with their IP header.
func (l *link) withIPHeader() bool { return l.raw && l.family == familyV4 }

// destination returns addr in the form that this kind of socket needs.
func (l *link) destination(addr netip.Addr) net.Addr {
	if l.raw {
		return &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	}
	return &net.UDPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
}

// mode returns the name of the kind of socket, for people.
func (l *link) mode() string {
	if l.raw {
		return "raw socket"
	}
	return "unprivileged ping socket"
}

// openLink opens a raw socket, or else an unprivileged ping socket. It returns a
// PermissionError if the process may not open either, and another error if the machine
// does not have the family.
func openLink(f family) (*link, error) {
	raw, rawErr := listen(f, true)
	if rawErr == nil {
		return raw, nil
	}
	ping, pingErr := listen(f, false)
	if pingErr == nil {
		return ping, nil
	}
	if denied(rawErr) && denied(pingErr) {
		return nil, newPermissionError(f, rawErr, pingErr)
	}
	return nil, fmt.Errorf("open %s socket for ICMP: %w", f, errors.Join(rawErr, pingErr))
}

func denied(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
}

func listen(f family, raw bool) (*link, error) {
	var c batchConn
	var sc syscall.RawConn
	var err error
	if raw {
		c, sc, err = listenRaw(f)
	} else {
		c, sc, err = listenPing(f)
	}
	if err != nil {
		return nil, err
	}
	growReceiveBuffer(sc)
	sender := controller(sc)
	if raw {
		out, err := sendApart(c, f)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		_ = enableTimestamps(sc)
		growReceiveBuffer(out) // its timestamps wait in it, too
		c, sender = out, out
	}
	l := &link{batchConn: c, family: f, raw: raw, control: sender, queue: newErrorQueue(sender)}
	if enableTimestamps(sender) {
		l.departures = newDepartures()
	}
	if !raw {
		_ = queueErrors(sc, f)
	}
	return l, nil
}

// forbidFragments lets echoes be lost where they are larger than the path allows. The kernel
// does not refuse to send those that a router refused before.
func (l *link) forbidFragments() error {
	var opt error
	if err := l.control.Control(func(fd uintptr) {
		if l.family == familyV6 {
			opt = errors.Join(
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1))
		} else {
			opt = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		}
	}); err != nil {
		return err
	}
	return opt
}

// renumber lets the numbers of packets that leave begin with 0 again.
func (l *link) renumber() bool { return renumber(l.control) }

// listenRaw opens a raw socket with a filter for echo replies and errors, so that other ICMP traffic of
// the machine does not wake this process.
func listenRaw(f family) (batchConn, syscall.RawConn, error) {
	network, address := "ip4:icmp", "0.0.0.0"
	if f == familyV6 {
		network, address = "ip6:ipv6-icmp", "::"
	}
	c, err := net.ListenPacket(network, address)
	if err != nil {
		return nil, nil, err
	}
	sc, err := c.(*net.IPConn).SyscallConn()
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	if f == familyV6 {
		p := ipv6.NewPacketConn(c)
		var only ipv6.ICMPFilter
		only.SetAll(true)
		for _, kind := range []ipv6.ICMPType{
			ipv6.ICMPTypeEchoReply, ipv6.ICMPTypeDestinationUnreachable, ipv6.ICMPTypePacketTooBig, ipv6.ICMPTypeTimeExceeded,
		} {
			only.Accept(kind)
		}
		if err := p.SetICMPFilter(&only); err != nil {
			return nil, nil, errors.Join(err, p.Close())
		}
		return p, sc, nil
	}
	p := ipv4.NewPacketConn(c)
	var only ipv4.ICMPFilter
	only.SetAll(true)
	for _, kind := range []ipv4.ICMPType{ipv4.ICMPTypeEchoReply, ipv4.ICMPTypeDestinationUnreachable, ipv4.ICMPTypeTimeExceeded} {
		only.Accept(kind)
	}
	if err := p.SetICMPFilter(&only); err != nil {
		return nil, nil, errors.Join(err, p.Close())
	}
	return p, sc, nil
}

// listenPing opens a datagram ICMP socket. The kernel assigns an id to it and delivers only
// the echo replies with that id.
func listenPing(f family) (batchConn, syscall.RawConn, error) {
	network, address := "udp4", "0.0.0.0"
	if f == familyV6 {
		network, address = "udp6", "::"
	}
	c, err := icmp.ListenPacket(network, address)
	if err != nil {
		return nil, nil, err
	}
	if f == familyV6 {
		p := c.IPv6PacketConn()
		sc, err := p.PacketConn.(*net.UDPConn).SyscallConn()
		return p, sc, err
	}
	p := c.IPv4PacketConn()
	sc, err := p.PacketConn.(*net.UDPConn).SyscallConn()
	return p, sc, err
}

// growReceiveBuffer enlarges the buffer as far as the process may. A small buffer matters
// only when the process does not get enough CPU time.
func growReceiveBuffer(c controller) {
	_ = c.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
	})
}
