package main

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An unprivileged ping socket gets no ICMP errors as packets. With IP_RECVERR the kernel
// queues them, each with the echo that it is about, and lets the next call on the socket fail
// once, be that a read or the sending of an echo to somebody else. The timestamps of packets
// that left come by the same queue, of every socket.

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

// readQueue reads what the kernel queued for a socket: when packets left, and errors about
// echoes of a ping socket, which it returns. The caller holds mu.
func (p *Pinger) readQueue(l *link) (errs []complaint) {
	if l.queue == nil {
		return nil
	}
	for {
		now := time.Now()
		n := l.queue.read()
		for i := range n {
			data, oob, from := l.queue.message(i)
			if number, ok := parseDeparture(oob); ok {
				if at, ok := kernelTime(oob); ok {
					l.departures.stamp(number, at, now)
				}
			} else if c, ok := parseQueued(data, oob, l.family, from); ok {
				errs = append(errs, c)
			}
		}
		if n < queueBatch {
			return errs
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
	said, ok := extendedErr(oob)
	if !ok {
		return c, false
	}
	const fromICMP, fromICMP6 = 2, 3 // SO_EE_ORIGIN_ICMP and …_ICMP6; others are of this machine
	if origin := said[4]; origin != fromICMP && origin != fromICMP6 {
		return c, false
	}
	c.why = reasonOf(f, said[5], said[6], binary.NativeEndian.Uint32(said[8:]))
	if who := socketAddress(said[16:]); who.IsValid() && who != to && c.why != "" {
		c.why += ", says " + who.String()
	}
	return c, c.why != ""
}

// parseDeparture parses the control messages of a queued timestamp: the number of the packet
// that left.
func parseDeparture(oob []byte) (number uint32, ok bool) {
	said, ok := extendedErr(oob)
	const fromTimestamping = 4 // SO_EE_ORIGIN_TIMESTAMPING
	if !ok || said[4] != fromTimestamping {
		return 0, false
	}
	return binary.NativeEndian.Uint32(said[12:]), true
}

// extendedErr returns the kernel's sock_extended_err, with what is behind it.
func extendedErr(oob []byte) ([]byte, bool) {
	for len(oob) >= unix.CmsgLen(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return nil, false
		}
		oob = rest
		isError := header.Level == unix.IPPROTO_IP && header.Type == unix.IP_RECVERR ||
			header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_RECVERR
		if isError && len(data) >= 16 {
			return data, true
		}
	}
	return nil, false
}

// socketAddress returns the address of a struct sockaddr.
func socketAddress(b []byte) (who netip.Addr) {
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
