package view

import (
	"encoding/hex"
	"fmt"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Verdict shows the audit record that a node made of a command, to the operator who sent it.
func (p Printer) Verdict(r *meshosv1.AdminAuditRecord) string {
	verdict := map[meshosv1.VerificationOutcome_Verdict]string{
		meshosv1.VerificationOutcome_VERDICT_ACCEPTED:   p.Color.Apply(Good, "Accepted"),
		meshosv1.VerificationOutcome_VERDICT_REJECTED:   p.Color.Apply(Bad, "Rejected"),
		meshosv1.VerificationOutcome_VERDICT_UNVERIFIED: p.Color.Apply(Warning, "Accepted without a signature, since the node requires none"),
	}[r.GetOutcome().GetVerdict()]
	if verdict == "" {
		verdict = "A verdict that this version does not know"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", verdict, commandTitle(r.GetEvent()))
	if r.GetReason() != "" {
		fmt.Fprintf(&b, "  reason    %s\n", Plain(r.GetReason()))
	}
	if r.GetSeq() == 0 {
		if r.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED {
			b.WriteString("  audit     its record follows, together with those of others of its kind; see meshos audit tail\n")
			return b.String()
		}
		b.WriteString("  audit     the node has ended; its record is on disk, see meshos audit export\n")
		return b.String()
	}
	fmt.Fprintf(&b, "  audit     record %d of epoch %016x at %s", r.GetSeq(), r.GetEpoch(), p.Clock(r.GetCommittedAt()))
	if r.GetChainPending() {
		b.WriteString(p.Color.Apply(Faint, ", not durable yet"))
	}
	b.WriteString("\n")
	for i, o := range r.GetOperators() {
		label := "          "
		if i == 0 {
			label = "signed by "
		}
		b.WriteString("  " + label + p.operator(o) + "\n")
	}
	if id := r.GetCommitId(); len(id) > 0 {
		fmt.Fprintf(&b, "  commit    %s\n", hex.EncodeToString(id))
	}
	return b.String()
}

func (p Printer) operator(o *meshosv1.Operator) string {
	words := Plain(o.GetKeyId())
	if o.GetName() != "" {
		words = Plain(o.GetName()) + " with " + words
	}
	if !o.GetVerified() {
		words += p.Color.Apply(Warning, " (claimed, not verified)")
	}
	return words
}
