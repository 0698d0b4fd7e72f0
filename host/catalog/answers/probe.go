package answers

import (
	"github.com/meshos/meshos/internal/plaintext"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Limits of a result of ProbeNow, which people read.
const (
	maxDetails  = 32
	detailBytes = 200
	maxPathMTU  = 1 << 17
)

// Probe returns the result of ProbeNow for a peer, with texts that are fit for a terminal and
// without what can't be true.
func Probe(in *meshosv1.ProbeResult, peer uint64) *meshosv1.ProbeResult {
	clean := func(s string) string { return plaintext.Clean(s, detailBytes) }
	out := &meshosv1.ProbeResult{}
	if r := in.GetRtt(); r != nil {
		out.Rtt = &meshosv1.RttSample{
			Peer: peer, Sent: r.GetSent(), Received: min(r.GetReceived(), r.GetSent()), Late: min(r.GetLate(), r.GetSent()),
			Reason: clean(r.GetReason()), NoAnswer: r.GetNoAnswer(), Unanswered: r.GetUnanswered(),
			Family: meshosv1.AddressFamily(familyOf(r.GetFamily())),
		}
		if d := r.GetRtt(); d.IsValid() && d.AsDuration() > 0 {
			out.Rtt.Rtt = d
		}
		if d := r.GetJitter(); d.IsValid() && d.AsDuration() >= 0 {
			out.Rtt.Jitter = d
		}
	}
	if h := in.GetHealth(); h != nil {
		out.Health = &meshosv1.NodeHealthSample{Peer: peer, Health: h.GetHealth(), Reason: clean(h.GetReason()), Family: meshosv1.AddressFamily(familyOf(h.GetFamily()))}
		if _, known := meshosv1.NodeHealth_name[int32(h.GetHealth())]; !known {
			out.Health.Health = meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED
		}
	}
	for _, d := range in.GetDetails()[:min(len(in.GetDetails()), maxDetails)] {
		out.Details = append(out.Details, &meshosv1.ProbeDetail{Name: clean(d.GetName()), Value: clean(d.GetValue())})
	}
	if m := in.GetPathMtu(); m != nil {
		out.PathMtu = &meshosv1.PathMtu{Bytes: m.GetBytes(), Reason: clean(m.GetReason())}
		if m.GetBytes() > maxPathMTU {
			out.PathMtu.Bytes = 0
		}
	}
	return out
}
