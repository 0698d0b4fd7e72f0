package main

import (
	"net/netip"
	"testing"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// asReply turns a request into what a target sends back, with an IP header of
// headerLen bytes before it.
func asReply(request []byte, f family, headerLen int) []byte {
	b := append(make([]byte, headerLen), request...)
	if headerLen > 0 {
		b[0] = 4<<4 | byte(headerLen/4)
	}
	b[headerLen] = byte(ipv4.ICMPTypeEchoReply)
	if f == familyV6 {
		b[headerLen] = byte(ipv6.ICMPTypeEchoReply)
	}
	return b
}

func TestEchoIsWhatTheLibraryReads(t *testing.T) {
	e := echo{seq: 70000 & 0xffff, cookie: 0x1122334455667788}
	b := make([]byte, icmpHeaderLen+usualSize)
	e.put(b, familyV4, 4711)
	m, err := icmp.ParseMessage(1, b)
	if err != nil {
		t.Fatal(err)
	}
	body, ok := m.Body.(*icmp.Echo)
	if !ok || m.Type != ipv4.ICMPTypeEcho || body.ID != 4711 || body.Seq != 70000&0xffff || len(body.Data) != usualSize {
		t.Fatalf("parsed as %+v, %+v", m, m.Body)
	}
	if got := checksum(b); got != 0 {
		t.Errorf("a packet with its checksum sums to %#x, want 0", got)
	}
	again, err := (&icmp.Message{Type: m.Type, Body: body}).Marshal(nil)
	if err != nil || string(again) != string(b) {
		t.Errorf("the library writes % x, we write % x", again, b)
	}
}

func TestParseReply(t *testing.T) {
	e := echo{seq: 3, cookie: 4}
	v4, v6 := make([]byte, icmpHeaderLen+usualSize), make([]byte, icmpHeaderLen+usualSize)
	e.put(v4, familyV4, 1)
	e.put(v6, familyV6, 1)
	unreachable := asReply(v4, familyV4, 0)
	unreachable[0], unreachable[1] = 3, 1
	code := asReply(v4, familyV4, 0)
	code[1] = 1
	tests := map[string]struct {
		packet     []byte
		f          family
		withHeader bool
		ok         bool
	}{
		"raw IPv4":                 {asReply(v4, familyV4, 20), familyV4, true, true},
		"raw IPv4 with options":    {asReply(v4, familyV4, 60), familyV4, true, true},
		"ping socket IPv4":         {asReply(v4, familyV4, 0), familyV4, false, true},
		"IPv6":                     {asReply(v6, familyV6, 0), familyV6, false, true},
		"our own request":          {v4, familyV4, false, false},
		"destination unreachable":  {unreachable, familyV4, false, false},
		"a damaged code":           {code, familyV4, false, true},
		"a part of the payload":    {asReply(v4, familyV4, 0)[:answerLen], familyV4, false, true},
		"cut within the cookie":    {asReply(v4, familyV4, 0)[:answerLen-1], familyV4, false, false},
		"header only":              {asReply(v4, familyV4, 20)[:20], familyV4, true, false},
		"header longer than it is": {[]byte{0x4f, 0, 0, 0}, familyV4, true, false},
		"header too short":         {append([]byte{0x41}, make([]byte, 100)...), familyV4, true, false},
		"empty":                    {nil, familyV4, true, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := parseReply(tt.packet, tt.f, tt.withHeader)
			if ok != tt.ok || ok && got != e {
				t.Errorf("got %+v, %v; want ok %v", got, ok, tt.ok)
			}
		})
	}
}

func FuzzParseReplyNeverPanics(f *testing.F) {
	f.Add([]byte{0x45, 0, 0}, true)
	f.Fuzz(func(_ *testing.T, b []byte, header bool) {
		parseReply(b, familyV4, header)
		parseReply(b, familyV6, false)
		kernelTime(b)
		parseComplaint(b, familyV4, netip.IPv4Unspecified())
		parseComplaint(b, familyV6, netip.IPv6Unspecified())
		parseQueued(b, b, familyV4, netip.IPv4Unspecified())
	})
}
