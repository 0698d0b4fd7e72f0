package view

import (
	"fmt"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// names shows the host names of peers that do not resolve.
func (p Printer) names(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "NAMES", columns: []string{"NAME", "PEERS", "FOR", "WHY", "USED"}}
	for _, name := range s.GetUnresolved() {
		at := "nothing"
		if len(name.GetAddresses()) > 0 {
			at = Plain(strings.Join(name.GetAddresses(), ", "))
			if name.GetKept() != nil {
				at += ", for another " + span(name.GetKept())
			}
		}
		var peers []string
		for _, id := range name.GetPeers() {
			if len(peers) == 3 && len(name.GetPeers()) > 4 {
				peers = append(peers, fmt.Sprintf("and %d more", len(name.GetPeers())-3))
				break
			}
			peers = append(peers, idOf(id))
		}
		t.add(text(Plain(name.GetName())), text(strings.Join(peers, ", ")), text(span(name.GetSince())),
			cell{text: Plain(name.GetReason()), style: Warning}, text(at))
	}
	t.writeIfAny(b, p)
}

// nameTroubles returns how many names do not resolve whose last addresses are still used: what
// has no address is said of the peers.
func nameTroubles(s *meshosv1.Snapshot) (out []string) {
	var reasons []string
	for _, name := range s.GetUnresolved() {
		if len(name.GetAddresses()) > 0 {
			reasons = append(reasons, name.GetReason())
		}
	}
	if n := len(reasons); n == 1 {
		out = append(out, "a host name does not resolve any more"+inBrackets(reasons))
	} else if n > 1 {
		out = append(out, fmt.Sprintf("%d host names do not resolve any more%s", n, inBrackets(reasons)))
	}
	return out
}

// measuredBy returns by which families a peer is measured: "IPv6", or "IPv6, health IPv4".
func measuredBy(peer *meshosv1.PeerView) string {
	echoes, health := familyWord(peer.GetEchoes().GetFamily()), familyWord(peer.GetHealthFamily())
	switch {
	case echoes == health, health == "":
		return echoes
	case echoes == "":
		return health
	}
	return echoes + ", health " + health
}

// byBoth reports whether peers are measured by different families, so that it matters by which.
func byBoth(peers []*meshosv1.PeerView) bool {
	seen := map[meshosv1.AddressFamily]bool{}
	for _, p := range peers {
		seen[p.GetEchoes().GetFamily()], seen[p.GetHealthFamily()] = true, true
	}
	return seen[meshosv1.AddressFamily_ADDRESS_FAMILY_IPV4] && seen[meshosv1.AddressFamily_ADDRESS_FAMILY_IPV6]
}

func familyWord(f meshosv1.AddressFamily) string {
	switch f {
	case meshosv1.AddressFamily_ADDRESS_FAMILY_IPV4:
		return "IPv4"
	case meshosv1.AddressFamily_ADDRESS_FAMILY_IPV6:
		return "IPv6"
	}
	return ""
}
