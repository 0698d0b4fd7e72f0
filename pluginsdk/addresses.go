package pluginsdk

import (
	"net/netip"
	"slices"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Family is a family of addresses. The zero value means that it is not said.
type Family uint8

// The values of Family.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// FamilyOf returns the family of an address.
func FamilyOf(ip netip.Addr) Family {
	switch {
	case ip.Is4(), ip.Is4In6():
		return IPv4
	case ip.Is6():
		return IPv6
	}
	return 0
}

// String returns "IPv4" or "IPv6", and "" for the zero value.
func (f Family) String() string {
	switch f {
	case IPv4:
		return "IPv4"
	case IPv6:
		return "IPv6"
	}
	return ""
}

// Addresses are the addresses of a peer's host names, as the host looked them up. A probe uses
// them, and looks up by itself only names that Of does not know. All methods work on nil.
type Addresses struct{ hosts []HostAddresses }

// HostAddresses are the addresses of one host name.
type HostAddresses struct {
	Host string // as it stands in Peer.Address or Peer.HealthTarget
	// IPs are those by which the peer may be reached, the preferred ones first: IPv6 before
	// IPv4. Without any the peer is not to be measured by this name.
	IPs []netip.Addr
	// Lookup is what became of the last lookup. The IPs are those of an earlier one if it
	// found none.
	Lookup Lookup
	Error  string // why the last lookup found nothing, for people
}

// Lookup is what became of a lookup.
type Lookup uint8

// The values of Lookup.
const (
	LookupPending Lookup = iota // the first one has not ended yet; peers are set again then
	LookupFound
	LookupNoSuchName // the name servers say that there is no such name
	LookupFailed     // no name server could say
)

// NewAddresses returns the addresses of some host names, for tests.
func NewAddresses(hosts ...HostAddresses) *Addresses { return &Addresses{hosts} }

// Of returns the addresses of a host name, and false if the host does not look this name up.
func (a *Addresses) Of(host string) (HostAddresses, bool) {
	if a == nil {
		return HostAddresses{}, false
	}
	i := slices.IndexFunc(a.hosts, func(h HostAddresses) bool { return h.Host == host })
	if i < 0 {
		return HostAddresses{}, false
	}
	return a.hosts[i], true
}

func addressesFromWire(in []*pluginv1.HostAddresses) *Addresses {
	if len(in) == 0 {
		return nil
	}
	out := &Addresses{hosts: make([]HostAddresses, len(in))}
	for i, h := range in {
		to := &out.hosts[i]
		*to = HostAddresses{Host: h.GetHost(), Lookup: Lookup(h.GetLookup()), Error: h.GetResolveError()}
		for _, text := range h.GetIps() {
			if ip, err := netip.ParseAddr(text); err == nil {
				to.IPs = append(to.IPs, ip.Unmap())
			}
		}
	}
	return out
}

// ToWire returns them as the contract has them.
func (a *Addresses) ToWire() (out []*pluginv1.HostAddresses) {
	if a == nil {
		return nil
	}
	for _, h := range a.hosts {
		to := &pluginv1.HostAddresses{Host: h.Host, Lookup: meshosv1.Lookup(h.Lookup), ResolveError: h.Error}
		for _, ip := range h.IPs {
			to.Ips = append(to.Ips, ip.String())
		}
		out = append(out, to)
	}
	return out
}
