package main

import (
	"errors"
	"net"
	"os"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// apart is a raw link that sends on a socket of its own, which nothing waits for. Otherwise the
// kernel would wake the reader of replies for the timestamp of each departure, between the
// timestamp and the departure: then that is what was measured.
type apart struct {
	batchConn
	fd int
}

// sendApart opens the socket for sending.
func sendApart(c batchConn, f family) (*apart, error) {
	domain, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if f == familyV6 {
		domain, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	// Every raw socket gets all replies, so this one rejects them.
	if f == familyV6 {
		none := unix.ICMPv6Filter{}
		for i := range none.Data {
			none.Data[i] = ^uint32(0)
		}
		err = unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &none)
	} else {
		const icmpFilter, all = 1, -1 // ICMP_FILTER
		err = unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, all)
	}
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("setsockopt", err), unix.Close(fd))
	}
	return &apart{c, fd}, nil
}

// Control implements controller.
func (a *apart) Control(f func(fd uintptr)) error {
	f(uintptr(a.fd))
	return nil
}

// WriteBatch implements batchConn.
func (a *apart) WriteBatch(ms []ipv4.Message, flags int) (int, error) {
	for i, m := range ms {
		if err := unix.Sendto(a.fd, m.Buffers[0], flags, sockaddrOf(m.Addr)); err != nil {
			if i > 0 {
				return i, nil
			}
			return -1, os.NewSyscallError("sendto", err)
		}
	}
	return len(ms), nil
}

// Close closes both sockets.
func (a *apart) Close() error { return errors.Join(a.batchConn.Close(), unix.Close(a.fd)) }

// sockaddrOf returns the address of a raw link's destination.
func sockaddrOf(a net.Addr) unix.Sockaddr {
	to, ok := a.(*net.IPAddr)
	if !ok {
		return nil
	}
	if ip := to.IP.To4(); ip != nil {
		return &unix.SockaddrInet4{Addr: [4]byte(ip)}
	}
	out := &unix.SockaddrInet6{Addr: [16]byte(to.IP.To16())}
	if to.Zone != "" {
		if i, err := net.InterfaceByName(to.Zone); err == nil {
			out.ZoneId = uint32(i.Index)
		}
	}
	return out
}
