package families

import (
	"net/netip"

	"github.com/meshos/meshos/pluginsdk"
)

// Most is how many addresses of a peer are tried.
const Most = 4

// Candidates returns the addresses that are tried, the preferred ones first: the families take
// turns, and the family of the first address begins (RFC 8305, section 4). To which of them this
// machine has no route is found when they are tried: it may have one a minute later.
func Candidates(ips []netip.Addr) []netip.Addr {
	if len(ips) < 2 {
		return ips
	}
	var turns [2][]netip.Addr
	for _, ip := range ips {
		of := 0
		if pluginsdk.FamilyOf(ip) != pluginsdk.FamilyOf(ips[0]) {
			of = 1
		}
		turns[of] = append(turns[of], ip)
	}
	out := make([]netip.Addr, 0, len(ips))
	for i := range ips {
		for _, family := range turns {
			if i < len(family) {
				out = append(out, family[i])
			}
		}
	}
	return out[:min(len(out), Most)]
}
