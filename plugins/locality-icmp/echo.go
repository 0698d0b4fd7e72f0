package main

import (
	"encoding/binary"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Sizes of an echo. The payload has the length that ping uses, because some middleboxes
// drop unusual packets.
const (
	icmpHeaderLen = 8
	payloadLen    = 56
	echoLen       = icmpHeaderLen + payloadLen
)

// echo is the content of an ICMP echo of this plugin: which process sent it, in which round,
// for which slot of the round, and a nonce that can't be guessed without the packet.
type echo struct {
	cookie uint64 // random, one for each pinger
	round  uint32
	slot   uint32
	nonce  uint64
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

// put writes an echo request into b, which must have echoLen bytes. The id is only for
// middleboxes; an unprivileged socket replaces it.
func (e echo) put(b []byte, f family, id uint16) {
	b = b[:echoLen]
	clear(b)
	b[0] = byte(ipv4.ICMPTypeEcho)
	if f == familyV6 {
		b[0] = byte(ipv6.ICMPTypeEchoRequest)
	}
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], uint16(e.slot))
	binary.BigEndian.PutUint64(b[8:], e.cookie)
	binary.BigEndian.PutUint32(b[16:], e.round)
	binary.BigEndian.PutUint32(b[20:], e.slot)
	binary.BigEndian.PutUint64(b[24:], e.nonce)
	if f == familyV4 { // the kernel fills in ICMPv6 checksums, as RFC 3542 asks
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
}

// parseReply parses what a socket delivered; a raw IPv4 socket also delivers the IP header.
// It returns false for anything but a complete echo reply with a payload of this plugin.
func parseReply(b []byte, f family, withIPHeader bool) (echo, bool) {
	if withIPHeader {
		if len(b) == 0 || b[0]>>4 != 4 {
			return echo{}, false
		}
		header := int(b[0]&0x0f) * 4
		if header < ipv4.HeaderLen || len(b) < header {
			return echo{}, false
		}
		b = b[header:]
	}
	reply := byte(ipv4.ICMPTypeEchoReply)
	if f == familyV6 {
		reply = byte(ipv6.ICMPTypeEchoReply)
	}
	if len(b) < echoLen || b[0] != reply || b[1] != 0 {
		return echo{}, false
	}
	return echo{
		cookie: binary.BigEndian.Uint64(b[8:]),
		round:  binary.BigEndian.Uint32(b[16:]),
		slot:   binary.BigEndian.Uint32(b[20:]),
		nonce:  binary.BigEndian.Uint64(b[24:]),
	}, true
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
