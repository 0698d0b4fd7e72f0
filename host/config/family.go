package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// addressFamily is a setting for one of the families of addresses, or for both.
func addressFamily(key string, at *string) setting {
	s := textOrNone(key, at)
	set := s.set
	s.set = func(v any) *fault {
		if n, ok := v.(int64); ok && (n == 4 || n == 6) {
			f := wrongType("text in quotes", v)
			f.hint = fmt.Sprintf(`write %s = "%d"`, key, n)
			return f
		}
		if f := set(v); f != nil {
			return f
		}
		if *at == "" || *at == FamilyIPv4 || *at == FamilyIPv6 {
			return nil
		}
		f := &fault{
			message: shortened(quote(*at)) + " is not a family of addresses",
			hint:    `known: "4" and "6"; leave it out for both`,
		}
		for _, family := range []string{FamilyIPv4, FamilyIPv6} {
			if strings.Contains(*at, family) && !strings.Contains(*at, otherFamily(family)) { // "ipv6", "v6", "inet6"
				f.hint = "did you mean " + quote(family) + "?"
			}
		}
		return f
	}
	return s
}

func otherFamily(family string) string {
	if family == FamilyIPv4 {
		return FamilyIPv6
	}
	return FamilyIPv4
}

// checkFamily reports a peer that has an address of the family which it must not be reached by.
func (r *reader) checkFamily(p *Peer, at place) {
	if p.Family == "" {
		return
	}
	for _, a := range []struct{ key, ip string }{{"address", p.Address}, {"health", hostIn(p.Health)}} {
		ip, err := netip.ParseAddr(a.ip)
		if err != nil || (ip.Unmap().Is4() == (p.Family == FamilyIPv4)) {
			continue
		}
		r.problem("peer.family", fault{
			message: fmt.Sprintf("is %q, but %s is the IPv%s address %s", p.Family, a.key, otherFamily(p.Family), a.ip),
			hint:    "leave out family, which matters to host names only, or name an address of that family",
		}, at.key("family"), at.key(a.key))
	}
}
