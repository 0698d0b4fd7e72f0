package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// complaint is an ICMP error about an echo: which one, and why it does not arrive. It is only
// a reason in words: the echo counts as lost when its time is over, as without it.
type complaint struct {
	to    netip.Addr
	echo  echo
	whole bool // the error repeats the cookie; routers may repeat 8 bytes alone
	why   string
}

// parseComplaint parses what a raw socket delivered as an ICMP error about an echo. from is
// who sent it; a raw IPv4 socket also delivers the IP header, which says so.
func parseComplaint(b []byte, f family, from netip.Addr) (complaint, bool) {
	if f == familyV4 {
		payload, header, ok := cutIPv4(b)
		if !ok {
			return complaint{}, false
		}
		b, from = payload, netip.AddrFrom4([4]byte(header[12:16]))
	}
	if len(b) < icmpHeaderLen {
		return complaint{}, false
	}
	why := reasonOf(f, b[0], b[1], binary.BigEndian.Uint32(b[4:]))
	if why == "" {
		return complaint{}, false
	}
	c, ok := embedded(b[icmpHeaderLen:], f)
	if !ok {
		return complaint{}, false
	}
	if c.why = why; from.IsValid() && from != c.to {
		c.why += ", says " + from.WithZone("").String()
	}
	return c, true
}

// embedded parses the packet that an ICMP error repeats, up to where it is cut.
func embedded(b []byte, f family) (c complaint, ok bool) {
	request := byte(ipv4.ICMPTypeEcho)
	if f == familyV6 {
		request = byte(ipv6.ICMPTypeEchoRequest)
		if len(b) < ipv6.HeaderLen || b[0]>>4 != 6 || b[6] != 58 {
			return c, false
		}
		c.to, b = netip.AddrFrom16([16]byte(b[24:40])), b[ipv6.HeaderLen:]
	} else {
		payload, header, ok := cutIPv4(b)
		if !ok || header[9] != 1 {
			return c, false
		}
		c.to, b = netip.AddrFrom4([4]byte(header[16:20])), payload
	}
	if len(b) < icmpHeaderLen || b[0] != request {
		return c, false
	}
	c.readEcho(b)
	return c, true
}

// readEcho reads the echo that an error is about.
func (c *complaint) readEcho(b []byte) {
	c.echo.seq = binary.BigEndian.Uint16(b[6:])
	if c.whole = len(b) >= answerLen; c.whole {
		c.echo = echoOf(b)
	}
}

// packetTooBig is the reason with the MTU that a router names.
const packetTooBig = "packet too big for an MTU of %d"

// reasonOf returns what an ICMP error says, "" if it is not one. info is the last word of its
// header.
func reasonOf(f family, kind, code byte, info uint32) string {
	if f == familyV6 {
		switch ipv6.ICMPType(kind) {
		case ipv6.ICMPTypeDestinationUnreachable:
			return word(code, "no route", "prohibited by a firewall", "beyond the scope of its address", "host unreachable", "port unreachable", "prohibited by a firewall", "no route")
		case ipv6.ICMPTypePacketTooBig:
			return fmt.Sprintf(packetTooBig, info)
		case ipv6.ICMPTypeTimeExceeded:
			return "too many hops"
		}
		return ""
	}
	switch ipv4.ICMPType(kind) {
	case ipv4.ICMPTypeDestinationUnreachable:
		if code == 4 {
			return fmt.Sprintf(packetTooBig, info&0xffff)
		}
		return word(code, "network unreachable", "host unreachable", "no ICMP there", "port unreachable", "", "source route failed",
			"network unknown", "host unknown", "", "prohibited by a firewall", "prohibited by a firewall",
			"network unreachable", "host unreachable", "prohibited by a firewall")
	case ipv4.ICMPTypeTimeExceeded:
		return "too many hops"
	}
	return ""
}

// word returns the word for a code.
func word(code byte, words ...string) string {
	if int(code) < len(words) && words[code] != "" {
		return words[code]
	}
	return fmt.Sprintf("unreachable (code %d)", code)
}

// complain stores why echoes do not arrive.
func (p *Pinger) complain(complaints []complaint, now time.Time) {
	if len(complaints) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complained(complaints, now)
}

// complained is complain for callers that hold mu.
func (p *Pinger) complained(complaints []complaint, now time.Time) {
	for _, c := range complaints {
		if of, ok := p.about(c); ok {
			r := p.results[of]
			if r == nil {
				r = &result{}
				p.results[of] = r
			}
			r.why, r.whyAt = c.why, now
		}
	}
}

// about returns the path whose open echo an error is about. The caller holds mu.
func (p *Pinger) about(c complaint) (of path, ok bool) {
	for i := len(p.rounds) - 1; i >= 0; i-- {
		r := p.rounds[i]
		for s := int(c.echo.seq); s < r.next; s += 1 << 16 {
			t := r.target(s)
			if t.addr.WithZone("") == c.to && r.rtts[s] == lost && (!c.whole || r.echo(s) == c.echo) && p.known(*t) {
				return t.path(), true
			}
		}
	}
	return path{}, false
}

// addrOf returns the IP of an address, the zero value if it has none.
func addrOf(a net.Addr) netip.Addr {
	var ip net.IP
	switch a := a.(type) {
	case *net.IPAddr:
		ip = a.IP
	case *net.UDPAddr:
		ip = a.IP
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}
