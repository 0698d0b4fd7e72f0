package sign

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator/rules"
)

// Text shows all that a signature on the proposal covers, and who signed it so far.
func (p *Proposal) Text(printer view.Printer, signatures []Signature, target Target, now time.Time) string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "  %-9s %s\n", name, value) }
	b.WriteString(printer.Command(p.Event, nil))
	row("action", p.Kind)
	if p.Reason != "" {
		row("reason", view.Plain(p.Reason))
	}
	cluster := view.Plain(p.Admin.GetClusterId())
	if target.Cluster != "" && target.Cluster != p.Admin.GetClusterId() {
		cluster = printer.Color.Apply(view.Bad, cluster+", but the cluster of this configuration is "+view.Plain(target.Cluster))
	}
	row("cluster", cluster)
	row("issued", p.issued(printer.Color, target, now))
	row("nonce", hex.EncodeToString(p.Admin.GetNonce()))
	row("commit", hex.EncodeToString(rules.CommitID(p.Payload)))
	switch {
	case p.Blast != nil:
		b.WriteString(printer.BlastRadius(p.Blast, p.Admin.GetBlastHash()))
	case p.BreakGlass:
		row("hash", hex.EncodeToString(p.Admin.GetBlastHash()))
		b.WriteString("  " + printer.Color.Apply(view.Bad, "! "+p.path+".json has no blast radius with this hash") + "\n")
	}
	operators := target.operators(now)
	for _, s := range signatures {
		row("signed by", s.signer(operators))
	}
	return b.String()
}

func (p *Proposal) issued(c view.Color, target Target, now time.Time) string {
	age := now.Sub(p.Admin.GetIssuedAt().AsTime())
	words := view.Seconds(age) + " ago"
	if age < 0 {
		words = c.Apply(view.Warning, "in "+view.Seconds(-age))
	}
	left := p.Left(now, target)
	if left < 0 {
		return words + c.Apply(view.Bad, fmt.Sprintf(", expired %s ago", view.Seconds(-left)))
	}
	return fmt.Sprintf("%s, valid for another %s", words, view.Seconds(left))
}

// signer names who signed, if it is known whose key that is.
func (s Signature) signer(operators *Operators) string {
	words := s.key.Fingerprint()
	if operators == nil {
		return words
	}
	name, why := operators.find(s.key)
	if name != "" {
		words = view.Plain(name) + " with " + words
	}
	if why != "" {
		words += " (the key " + view.Plain(why) + ")"
	}
	return words
}
