package netlab

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

const (
	ipHeader   = 20
	ip6Header  = 40
	icmpHeader = 8
)

// Echo is an echo request that came over the link.
type Echo struct {
	To      netip.Addr
	Nth     int    // of the echoes to this address since the last Reset: 0, 1, 2 …
	DF      bool   // it must not be fragmented
	Request []byte // the whole IP packet, with a header of 20 bytes, or of 40 with IPv6
}

// Answer is a packet that comes back after a while.
type Answer struct {
	After  time.Duration
	Packet []byte
}

// Reply returns the echo reply that a peer sends.
func (e *Echo) Reply() []byte {
	b := slices.Clone(e.Request)
	if e.To.Is6() {
		copy(b[8:24], e.Request[24:40])
		copy(b[24:40], e.Request[8:24])
		b[ip6Header] = 129
		seal6(b)
		return b
	}
	copy(b[12:16], e.Request[16:20])
	copy(b[16:20], e.Request[12:16])
	b[ipHeader] = 0
	seal(b)
	return b
}

// Part returns an echo reply with only n bytes of the payload.
func (e *Echo) Part(n int) []byte {
	b := e.Reply()[:ipHeader+icmpHeader+n]
	seal(b)
	return b
}

// Error returns the ICMP error that a router sends, with the request as far as routers have to
// repeat it: its header and 8 bytes.
func (e *Echo) Error(router string, kind, code byte, info uint32) []byte {
	repeated := e.Request[:ipHeader+icmpHeader]
	b := make([]byte, ipHeader+icmpHeader, ipHeader+icmpHeader+len(repeated))
	b[0], b[8], b[9] = 0x45, 64, 1
	from := netip.MustParseAddr(router).As4()
	copy(b[12:16], from[:])
	copy(b[16:20], e.Request[12:16])
	b[ipHeader], b[ipHeader+1] = kind, code
	binary.BigEndian.PutUint32(b[ipHeader+4:], info)
	b = append(b, repeated...)
	seal(b)
	return b
}

// seal sets the length and the checksums of a packet.
func seal(b []byte) {
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	clear(b[10:12])
	binary.BigEndian.PutUint16(b[10:], checksum(b[:ipHeader]))
	clear(b[ipHeader+2 : ipHeader+4])
	binary.BigEndian.PutUint16(b[ipHeader+2:], checksum(b[ipHeader:]))
}

// seal6 sets the checksum of an ICMPv6 packet, which covers the addresses too.
func seal6(b []byte) {
	clear(b[ip6Header+2 : ip6Header+4])
	pseudo := append(slices.Clone(b[8:40]), 0, 0, 0, 0, 0, 0, 0, 58)
	binary.BigEndian.PutUint32(pseudo[32:], uint32(len(b)-ip6Header))
	binary.BigEndian.PutUint16(b[ip6Header+2:], checksum(append(pseudo, b[ip6Header:]...)))
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
