package resolve

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
)

func TestAnswersOfARealNameServer(t *testing.T) {
	dns := netlab.NewDNS(t, "127.0.0.1:0")
	dns.Set("both.example.", netlab.Name{A: []string{"192.0.2.1"}, AAAA: []string{"2001:db8::1"}})
	dns.Set("four.example.", netlab.Name{A: []string{"192.0.2.4", "192.0.2.5"}})
	dns.Set("broken.example.", netlab.Name{Code: dnsmessage.RCodeServerFailure})
	asking := make(chan net.Conn, 100)
	defer func() { // or the resolver would go on waiting for an answer
		for len(asking) > 0 {
			(<-asking).Close()
		}
	}()
	lookup := With(&net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "udp", dns.Address)
		if err == nil {
			asking <- c
		}
		return c, err
	}})
	for _, tt := range []struct {
		host   string
		family mesh.Family
		want   string
	}{
		{"both.example.", mesh.FamilyIPv4, "found [192.0.2.1]"},
		{"both.example.", mesh.FamilyIPv6, "found [2001:db8::1]"},
		{"four.example.", mesh.FamilyIPv6, "gone"},
		{"none.example.", mesh.FamilyIPv4, "gone"},
		{"broken.example.", mesh.FamilyIPv4, "!the name server fails"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		got := lookup(ctx, tt.host, tt.family)
		cancel()
		text := "found " + (State{Lookup: Found, Addresses: got.Addresses}).text()[len("found "):]
		switch {
		case got.Gone:
			text = "gone"
		case got.Failed != "":
			text = "!" + got.Failed
		}
		if text != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.host, tt.family, text, tt.want)
		}
	}
	dns.Reset()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	lookup(ctx, "both.example.", mesh.FamilyIPv4)
	lookup(ctx, "both.example.", mesh.FamilyIPv6)
	if n := dns.Queries("both.example."); n != 2 {
		t.Errorf("%d queries for the two families of a name", n)
	}
	dns.Silence(true)
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if got := lookup(short, "both.example.", mesh.FamilyIPv4); got.Failed != "the name server does not answer in time" {
		t.Errorf("a silent name server: %+v", got)
	}
}
