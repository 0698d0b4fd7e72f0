package families

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func ips(text string) (out []netip.Addr) {
	for _, field := range strings.Fields(text) {
		out = append(out, netip.MustParseAddr(field))
	}
	return out
}

func text(ips []netip.Addr) string {
	var out []string
	for _, ip := range ips {
		out = append(out, ip.String())
	}
	return strings.Join(out, " ")
}

func TestCandidatesTakeTurns(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"10.0.0.1", "10.0.0.1"},
		{"fd00::1 10.0.0.1", "fd00::1 10.0.0.1"},
		{"fd00::1 fd00::2 10.0.0.1 10.0.0.2", "fd00::1 10.0.0.1 fd00::2 10.0.0.2"},
		{"fd00::1 fd00::2 fd00::3 10.0.0.1 10.0.0.2", "fd00::1 10.0.0.1 fd00::2 10.0.0.2"},
		{"10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
		{"10.0.0.1 fd00::1", "10.0.0.1 fd00::1"},
	} {
		if got := Candidates(ips(tt.in)); text(got) != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, text(got), tt.want)
		}
	}
}

func TestTheAddressThatWorksIsUsed(t *testing.T) {
	now := time.Unix(1000, 0)
	six, four, other := netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	var c Choice
	used := func(what string, want netip.Addr) {
		t.Helper()
		if c.Used() != want || len(c.all) > 0 && c.Order()[0] != want || len(c.Order()) != len(c.all) {
			t.Errorf("%s: %s, order %s, want %s", what, c.Used(), text(c.Order()), want)
		}
	}
	used("without any", netip.Addr{})
	c.Set(ips("fd00::1 10.0.0.1"), now)
	used("at first", six)
	c.Worked(four) // after the head start of the other
	used("another one works", four)
	if _, ok := c.Preferred(now.Add(Again - 1)); ok {
		t.Error("the preferred one is tried too soon")
	}
	now = now.Add(Again)
	if ip, ok := c.Preferred(now); !ok || ip != six {
		t.Errorf("tried again: %s, %v", ip, ok)
	}
	if _, ok := c.Preferred(now); ok {
		t.Error("it is tried again at once")
	}
	c.Worked(six)
	used("the preferred one works again", six)
	c.Failed(six, now)
	used("it fails", four)
	c.Failed(four, now)
	used("so does the other", four)
	c.Failed(four, now.Add(Again))
	used("a while later", six)
	c.Worked(four)
	c.Set(ips("fd00::1 10.0.0.1 10.0.0.2"), now)
	used("more addresses", four)
	c.Set(ips("fd00::1 10.0.0.2"), now)
	used("it is no more", six)
	c.Failed(six, now)
	used("what failed is remembered", other)
	c.Worked(netip.MustParseAddr("10.9.9.9"))
	used("one that nobody knows", other)
}
