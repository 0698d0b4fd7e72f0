package view

import (
	"fmt"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// peerTrouble returns since when and why a peer is not well, and what it did not answer:
// "for 12s: timed out, lost for 9s, 15% lost". It is empty for a peer that is well.
func peerTrouble(p *meshosv1.PeerView) string {
	var parts []string
	switch p.GetHealth() {
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED, meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		if p.HealthSince != nil {
			parts = append(parts, joined("for "+span(p.GetHealthSince()), p.GetHealthReason()))
		} else if reason := p.GetHealthReason(); reason != "" {
			parts = append(parts, Plain(reason))
		}
	}
	if p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED && p.GetHealthReason() != "" {
		parts = append(parts, "not checked: "+Plain(p.GetHealthReason()))
	}
	switch echoes := p.GetEchoes(); {
	case echoes.GetState() == meshosv1.EchoView_STATE_LOST:
		return strings.Join(append(parts, joined("no answer to echoes for "+span(echoes.GetSince()), p.GetRttReason())), ", ")
	case echoes.GetState() == meshosv1.EchoView_STATE_SILENT:
		return strings.Join(append(parts, "does not answer echoes"), ", ")
	case p.Rtt == nil && p.GetRttReason() != "" && p.GetRttReason() != p.GetHealthReason():
		parts = append(parts, "no rtt: "+Plain(p.GetRttReason()))
	}
	if p.GetEchoes().GetState() == meshosv1.EchoView_STATE_DEGRADED {
		parts = append(parts, "slow or lossy for "+span(p.GetEchoes().GetSince()))
	}
	late := 0.0
	if p.GetEchoes().GetLate() > 0 {
		late = float64(p.GetEchoes().GetLate()) / float64(max(p.GetEchoes().GetSent(), 1))
		parts = append(parts, percent(late)+" late")
	}
	if loss := p.GetLoss() - late; loss > 1e-9 {
		parts = append(parts, percent(loss)+" lost")
	}
	return strings.Join(parts, ", ")
}

// peerNow returns what is known of a peer now: "unreachable for 12s: timed out".
func peerNow(p *meshosv1.PeerView) string {
	var parts []string
	if p.GetHealth() != meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED {
		parts = append(parts, enumWord(p.GetHealth().String(), "NODE_HEALTH_"))
	}
	if trouble := peerTrouble(p); trouble != "" {
		parts = append(parts, trouble)
	}
	if len(parts) == 0 {
		return "unknown"
	}
	return strings.Join(parts, " ")
}

// joined returns "head: reason", or the head alone if there is no reason.
func joined(head, reason string) string {
	if reason == "" {
		return head
	}
	return head + ": " + Plain(reason)
}

// percent returns a share as "15%"; one that is not 0 is never shown as such.
func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return "<1%"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}
