package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/netlab"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// dual is a peer whose name has an address of each family, as the host hands it over.
func dual(ips ...string) *pluginv1.Peer {
	return &pluginv1.Peer{Id: 2, Name: "dual", Address: "dual.example", Addresses: []*pluginv1.HostAddresses{
		{Host: "dual.example", Ips: ips, Lookup: meshosv1.Lookup_LOOKUP_FOUND},
	}}
}

// answering lets some addresses answer echoes after 3 ms.
func answering(link *netlab.Link, addresses ...string) {
	alive := map[netip.Addr]bool{}
	for _, a := range addresses {
		alive[netip.MustParseAddr(a)] = true
	}
	link.Reset(func(e netlab.Echo) []netlab.Answer {
		if !alive[e.To] {
			return nil
		}
		return []netlab.Answer{{After: 3 * time.Millisecond, Packet: e.Reply()}}
	})
}

const six, four = "fd77::2", "10.77.0.2"

func familyProbe(t *testing.T, peer *pluginv1.Peer) (*catalog.Catalog, *catalog.LocalityProbe) {
	t.Helper()
	c := catalogtest.Start(t, "locality-icmp", map[string]any{"interval": "100ms", "timeout": "100ms", "count": 2}, catalogtest.Peers(peer))
	probe, err := c.LocalityProbe("locality-icmp")
	if err != nil {
		t.Fatal(err)
	}
	return c, probe
}

func TestInANetworkAPeerIsMeasuredByTheFamilyThatAnswers(t *testing.T) {
	t.Parallel()
	onBothSockets(t, func(t *testing.T, link *netlab.Link) {
		answering(link, six, four)
		_, probe := familyProbe(t, dual(six, four))
		by := func(family mesh.Family) func(mesh.RTTSample) bool {
			return func(s mesh.RTTSample) bool {
				return s.Family == family && s.RTT > 2*time.Millisecond && s.NoAnswer == mesh.NoAnswerUnknown
			}
		}
		until(t, probe, "both answer: IPv6 is preferred", by(mesh.FamilyIPv6))
		answering(link, four)
		until(t, probe, "IPv6 is dead", by(mesh.FamilyIPv4))
		answering(link, six)
		until(t, probe, "IPv4 is dead", by(mesh.FamilyIPv6))
		answering(link)
		until(t, probe, "both are dead", func(s mesh.RTTSample) bool {
			return s.NoAnswer == mesh.NoAnswerTimedOut && s.Unanswered >= 2
		})
		answering(link, four)
		until(t, probe, "IPv4 is back alone", by(mesh.FamilyIPv4))
	})
}

// From its first answer on, a peer whose IPv6 address is dead is measured by the other.
func TestInANetworkADeadFamilyIsNeverSaidToBeLost(t *testing.T) {
	t.Parallel()
	netlab.Inside(t, func(t *testing.T) {
		link := netlab.New(t, 1500)
		answering(link, four)
		_, probe := familyProbe(t, dual(six, four))
		unanswered := uint32(0)
		until(t, probe, "it is measured well by IPv4", func(s mesh.RTTSample) bool {
			unanswered = max(unanswered, s.Unanswered)
			return s.Family == mesh.FamilyIPv4 && s.Sent >= 8 && s.Received == s.Sent
		})
		if unanswered > 2 {
			t.Errorf("%d rounds were said to be unanswered", unanswered)
		}
	})
}

func TestInANetworkTheHostsAddressesAreFollowed(t *testing.T) {
	t.Parallel()
	netlab.Inside(t, func(t *testing.T) {
		link := netlab.New(t, 1500)
		answering(link, four, "10.77.0.9")
		c, probe := familyProbe(t, dual(four))
		set := func(p *pluginv1.Peer) {
			t.Helper()
			if err := c.SetPeers(t.Context(), []*pluginv1.Peer{p}); err != nil {
				t.Fatal(err)
			}
		}
		until(t, probe, "it answers", func(s mesh.RTTSample) bool { return s.RTT > 0 })
		gone := dual()
		gone.Addresses[0].Lookup, gone.Addresses[0].ResolveError = meshosv1.Lookup_LOOKUP_NO_SUCH_NAME, "no such name"
		set(gone)
		until(t, probe, "the name is gone: nothing is sent", func(s mesh.RTTSample) bool {
			return s.NoAnswer == mesh.NoAnswerNoSuchName && s.Sent == 0 && s.RTT == 0 && s.Reason == "no such name"
		})
		failing := dual()
		failing.Addresses[0].Lookup, failing.Addresses[0].ResolveError = meshosv1.Lookup_LOOKUP_FAILED, "the name server fails"
		set(failing)
		until(t, probe, "the name server fails: nothing is sent", func(s mesh.RTTSample) bool {
			return s.NoAnswer == mesh.NoAnswerNotSent && s.Sent == 0 && s.Reason == "the name server fails"
		})
		set(dual("10.77.0.9"))
		until(t, probe, "it has another address", func(s mesh.RTTSample) bool { return s.RTT > 0 })
	})
}

func TestInANetworkARoundOnDemandShowsEachFamily(t *testing.T) {
	t.Parallel()
	netlab.Inside(t, func(t *testing.T) {
		link := netlab.New(t, 1500)
		answering(link, four)
		c, probe := familyProbe(t, dual(six, four))
		until(t, probe, "it answers", func(s mesh.RTTSample) bool { return s.RTT > 0 })
		got, err := c.Probe(t.Context(), 2, false)
		if err != nil || len(got.GetFindings()) != 1 {
			t.Fatalf("%v: %v", got, err)
		}
		result := got.GetFindings()[0].GetResult()
		if result.GetRtt().GetRtt() == nil || result.GetRtt().GetFamily() != meshosv1.AddressFamily_ADDRESS_FAMILY_IPV4 {
			t.Errorf("%v", result)
		}
		details := map[string]string{}
		for _, d := range result.GetDetails() {
			details[d.GetName()] = d.GetValue()
		}
		if details["address"] != four || details["IPv6"] != six+": timed out" || details["IPv4"] == "" {
			t.Errorf("%v", details)
		}
	})
}
