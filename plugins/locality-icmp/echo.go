package main

import (
	"encoding/binary"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Sizes of an echo. The usual payload has the length that ping uses, because some
// middleboxes drop unusual packets.
const (
	icmpHeaderLen = 8
	cookieLen     = 8
	usualSize     = 56
	// answerLen is how much of a packet a reply must have: some devices answer with only a
	// part of the payload.
	answerLen = icmpHeaderLen + cookieLen
)

// echo is what identifies an ICMP echo of this plugin: a random cookie, one for each echo,
// which can't be guessed without the packet, and the lower bits of its slot, by which the
// echo with that cookie is found.
type echo struct {
	seq    uint16
	cookie uint64
}

// family is an address family. It determines socket, header and checksum.
type family int

const (
	familyV4 family = iota
	familyV6
	families
)

func (f family) String() string {
	if f == familyV6 {
		return "IPv6"
	}
	return "IPv4"
}

// put writes an echo request into b, which has the length of the packet and zeros after the
// cookie. The id is only for middleboxes; an unprivileged socket replaces it.
func (e echo) put(b []byte, f family, id uint16) {
	clear(b[:icmpHeaderLen])
	b[0] = byte(ipv4.ICMPTypeEcho)
	if f == familyV6 {
		b[0] = byte(ipv6.ICMPTypeEchoRequest)
	}
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], e.seq)
	binary.BigEndian.PutUint64(b[8:], e.cookie)
	if f == familyV4 { // the kernel fills in ICMPv6 checksums, as RFC 3542 asks
		binary.BigEndian.PutUint16(b[2:], checksum(b[:answerLen])) // zeros add nothing
	}
}

// parseReply parses what a socket delivered; a raw IPv4 socket also delivers the IP header.
// It returns false for anything but an echo reply with a whole cookie. The checksum is not
// looked at: what comes back damaged came back.
func parseReply(b []byte, f family, withIPHeader bool) (echo, bool) {
	if withIPHeader {
		var ok bool
		if b, _, ok = cutIPv4(b); !ok {
			return echo{}, false
		}
	}
	reply := byte(ipv4.ICMPTypeEchoReply)
	if f == familyV6 {
		reply = byte(ipv6.ICMPTypeEchoReply)
	}
	if len(b) < answerLen || b[0] != reply {
		return echo{}, false
	}
	return echoOf(b), true
}

// echoOf reads an echo from an ICMP packet with a whole cookie.
func echoOf(b []byte) echo {
	return echo{seq: binary.BigEndian.Uint16(b[6:]), cookie: binary.BigEndian.Uint64(b[8:])}
}

// cutIPv4 cuts the IPv4 header off a packet.
func cutIPv4(b []byte) (payload, header []byte, ok bool) {
	if len(b) < ipv4.HeaderLen || b[0]>>4 != 4 {
		return nil, nil, false
	}
	n := int(b[0]&0x0f) * 4
	if n < ipv4.HeaderLen || len(b) < n {
		return nil, nil, false
	}
	return b[n:], b[:n], true
}

// checksum returns the Internet checksum of RFC 1071. That of x/net/icmp is a part of
// Message.Marshal, which allocates several times for each packet: too much for 30,000
// packets a second.
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
