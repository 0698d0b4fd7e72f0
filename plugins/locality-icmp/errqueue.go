package main

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// An unprivileged ping socket gets no ICMP errors as packets. With IP_RECVERR the kernel
// queues them, each with the echo that it is about, and lets the next call on the socket fail
// once, be that a read or the sending of an echo to somebody else.

// queueErrors requests the queue. Without it lost echoes have no better reason than that.
func queueErrors(c syscall.RawConn, f family) error {
	var opt error
	if err := c.Control(func(fd uintptr) {
		if f == familyV6 {
			opt = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
		} else {
			opt = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		}
	}); err != nil {
		return err
	}
	return opt
}

// pending reports whether an error of a send may be that of an earlier echo.
func (l *link) pending(err error) bool {
	if l.raw {
		return false
	}
	for _, e := range []error{unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ECONNREFUSED, unix.EMSGSIZE, unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EACCES, unix.EHOSTDOWN, unix.ENONET, unix.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// drainErrors reads the queued errors of a ping socket.
func (l *link) drainErrors(ms []ipv4.Message) (out []complaint) {
	for {
		n, err := l.ReadBatch(ms, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil || n <= 0 {
			return out
		}
		for _, m := range ms[:n] {
			to := addrOf(m.Addr).WithZone("")
			if c, ok := parseQueued(m.Buffers[0][:m.N], m.OOB[:m.NN], l.family, to); ok {
				out = append(out, c)
			}
		}
	}
}

// parseQueued parses a queued error: the echo to an address that it is about, and the kernel's
// sock_extended_err with what was said about it.
func parseQueued(b, oob []byte, f family, to netip.Addr) (c complaint, ok bool) {
	c.to = to
	if len(b) < icmpHeaderLen {
		return c, false
	}
	c.readEcho(b)
	for len(oob) >= unix.CmsgLen(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return c, false
		}
		oob = rest
		isError := header.Level == unix.IPPROTO_IP && header.Type == unix.IP_RECVERR ||
			header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_RECVERR
		if !isError || len(data) < 16 {
			continue
		}
		const fromICMP, fromICMP6 = 2, 3 // SO_EE_ORIGIN_ICMP and …_ICMP6; others are of this machine
		if origin := data[4]; origin != fromICMP && origin != fromICMP6 {
			return c, false
		}
		c.why = reasonOf(f, data[5], data[6], binary.NativeEndian.Uint32(data[8:]))
		if who := offender(data[16:]); who.IsValid() && who != to && c.why != "" {
			c.why += ", says " + who.String()
		}
		return c, c.why != ""
	}
	return c, false
}

// offender returns the address of the struct sockaddr behind a sock_extended_err.
func offender(b []byte) (who netip.Addr) {
	if len(b) < 8 {
		return who
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET:
		return netip.AddrFrom4([4]byte(b[4:8]))
	case family == unix.AF_INET6 && len(b) >= 24:
		return netip.AddrFrom16([16]byte(b[8:24]))
	}
	return who
}
