package main

import (
	"net/netip"
	"testing"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

func TestATargetWithOneAddressNeedsNoDialer(t *testing.T) {
	one := []netip.Addr{netip.MustParseAddr("10.0.0.2")}
	two := append(one, netip.MustParseAddr("fd00::2"))
	for _, c := range []struct {
		target    string
		addresses []netip.Addr
		want      string
	}{
		{"10.0.0.1:80", nil, "10.0.0.1:80"},
		{"[fd00::1]:80", nil, "[fd00::1]:80"},
		{"[::ffff:10.0.0.1]:80", nil, "10.0.0.1:80"},
		{"[fe80::1%lo]:80", nil, ""},
		{"peer.example:80", one, "10.0.0.2:80"},
		{"peer.example:80", two, ""},
		{"peer.example:80", nil, ""},
		{"peer.example:http", one, ""},
		{"peer.example", one, ""},
	} {
		to, ok := onlyAddress(c.target, healthprobe.Route{Addresses: c.addresses})
		if ok != (c.want != "") || ok && to.String() != c.want {
			t.Errorf("%s by %v: %v, %v", c.target, c.addresses, to, ok)
		}
	}
}
