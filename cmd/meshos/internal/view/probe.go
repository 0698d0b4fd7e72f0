package view

import (
	"fmt"
	"strings"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Probe shows what probes found of a peer.
func (p Printer) Probe(r *hostv1.ProbeResponse) string {
	var b strings.Builder
	title := "peer " + idOf(r.GetPeer())
	if r.GetName() != "" {
		title += " (" + Plain(r.GetName()) + ")"
	}
	b.WriteString(p.Color.Apply(Strong, title) + "\n")
	for _, line := range [][2]string{{"address", r.GetAddress()}, {"health", r.GetHealthTarget()}} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", line[0], Plain(line[1]))
		}
	}
	if len(r.GetFindings()) == 0 {
		b.WriteString("\nNo plugin measures it: a locality_probe needs its address, a health_probe a health target that it checks.\n")
	}
	for _, f := range r.GetFindings() {
		b.WriteString("\n" + p.Color.Apply(Strong, Plain(f.GetPlugin())) + "\n")
		p.finding(&b, f)
	}
	return b.String()
}

func (p Printer) finding(b *strings.Builder, f *hostv1.ProbeFinding) {
	say := func(style Style, text string) {
		b.WriteString("  ")
		p.flow(b, 2, 2, styled{text: text, style: style})
	}
	if f.GetError() != "" {
		say(Warning, "not measured: "+Plain(f.GetError()))
	}
	result := f.GetResult()
	when := ""
	if result != nil && !f.GetMeasured() {
		when = "its last sample, " + span(f.GetAge()) + " ago: "
	}
	if rtt := result.GetRtt(); rtt != nil {
		style, words := echoWords(rtt)
		say(style, when+words+lastFamily(f, rtt.GetFamily()))
	}
	if health := result.GetHealth(); health != nil {
		style, words := healthWords(health)
		say(style, when+words+lastFamily(f, health.GetFamily()))
	}
	for _, d := range result.GetDetails() {
		say(Ordinary, Plain(d.GetName())+": "+Plain(d.GetValue()))
	}
	if mtu := result.GetPathMtu(); mtu != nil {
		say(Ordinary, "path MTU: "+mtuWords(mtu))
	}
}

// lastFamily returns " by IPv6" for a last sample; the details of a measurement have the address.
func lastFamily(f *hostv1.ProbeFinding, family meshosv1.AddressFamily) string {
	if word := familyWord(family); word != "" && !f.GetMeasured() {
		return " by " + word
	}
	return ""
}

// echoWords returns what echoes of a probe came to: "3 of 3 echoes answered, in 0.2ms".
func echoWords(r *meshosv1.RttSample) (Style, string) {
	var parts []string
	if r.GetSent() > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d echoes answered", r.GetReceived(), r.GetSent()))
	}
	if r.GetLate() > 0 {
		parts = append(parts, fmt.Sprintf("%d late", r.GetLate()))
	}
	style := Ordinary
	if r.GetRtt() != nil {
		parts = append(parts, "rtt "+span(r.GetRtt()))
	} else {
		style = Bad
	}
	if r.GetJitter() != nil {
		parts = append(parts, "jitter "+span(r.GetJitter()))
	}
	if r.GetReason() != "" {
		parts = append(parts, Plain(r.GetReason()))
	}
	if len(parts) == 0 {
		parts = []string{"no answer"}
	}
	return style, strings.Join(parts, ", ")
}

// healthWords returns what a check came to: "unreachable: timed out".
func healthWords(h *meshosv1.NodeHealthSample) (Style, string) {
	words := joined(enumWord(h.GetHealth().String(), "NODE_HEALTH_"), h.GetReason())
	switch h.GetHealth() {
	case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
		return Good, words
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		return Warning, words
	}
	return Bad, words
}

func mtuWords(m *meshosv1.PathMtu) string {
	if m.GetBytes() == 0 {
		return joined("unknown", m.GetReason())
	}
	words := fmt.Sprintf("%d bytes", m.GetBytes())
	if m.GetReason() != "" {
		words += " (" + Plain(m.GetReason()) + ")"
	}
	return words
}

// Answered reports whether a probe got an answer now: an echo, or one that is healthy or
// degraded.
func Answered(r *hostv1.ProbeResponse) bool {
	for _, f := range r.GetFindings() {
		health := f.GetResult().GetHealth().GetHealth()
		if f.GetMeasured() && (f.GetResult().GetRtt().GetRtt() != nil ||
			health == meshosv1.NodeHealth_NODE_HEALTH_HEALTHY || health == meshosv1.NodeHealth_NODE_HEALTH_DEGRADED) {
			return true
		}
	}
	return false
}
