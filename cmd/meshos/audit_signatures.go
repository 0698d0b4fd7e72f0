package main

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// signatureCheck verifies the signatures of audit records again, as of the time when each
// command was accepted.
type signatureCheck struct {
	set      *signers.Set
	verified int // accepted commands whose signatures are good
	unsigned int // commands that needed no signature, or were rejected
	bad      []string
}

// see takes the next record. It keeps what is wrong, and never returns an error.
func (c *signatureCheck) see(r *meshosv1.Record) error {
	a := r.GetAudit()
	if a == nil || a.GetSignerChange() != nil { // not a command
		return nil
	}
	if a.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_ACCEPTED {
		c.unsigned++
		return nil
	}
	if why := c.check(a); why != "" {
		c.bad = append(c.bad, fmt.Sprintf("record %d of epoch %016x: %s", a.GetSeq(), a.GetEpoch(), why))
		return nil
	}
	c.verified++
	return nil
}

// check returns what is wrong with an accepted command, or "".
func (c *signatureCheck) check(a *meshosv1.AdminAuditRecord) string {
	payload := a.GetCommit().GetPayload()
	if len(payload) == 0 {
		return "it was accepted, but has no signed command"
	}
	if !bytes.Equal(rules.CommitID(payload), a.GetCommitId()) {
		return "its commit id does not belong to the signed command"
	}
	command, rejection := rules.Decode(payload)
	if rejection != nil {
		return "no node can have accepted the signed command: " + rejection.Error()
	}
	// The record has the command as the node understood it, whose encoding may differ from
	// what was signed: a window that is left out, or one of 0s.
	if !proto.Equal(wire.AdminToProto(command.Event), a.GetEvent()) {
		return "the record shows another command than the one that was signed"
	}
	if command.Reason != a.GetReason() {
		return "the record shows another reason than the one that was signed"
	}
	operators, _, rejection := rules.Verify(c.set, payload, a.GetCommit().GetSignatures(), a.GetCommittedAt().AsTime())
	if rejection != nil {
		return rejection.Error()
	}
	for _, named := range a.GetOperators() {
		found := false
		for _, p := range operators {
			found = found || p.KeyID == named.GetKeyId()
		}
		if !found {
			return fmt.Sprintf("it names %s, but has no signature of this key", named.GetKeyId())
		}
	}
	return ""
}

// show prints the result.
func (c *signatureCheck) show(a *app, file string) {
	colors := a.color(a.out)
	verdict := colors.Apply(view.Good, "good")
	if len(c.bad) > 0 {
		verdict = colors.Apply(view.Bad, "bad")
	}
	_, _ = fmt.Fprintf(a.out, "signatures %s: %s verified with %s, %d unsigned or rejected, %d bad\n",
		verdict, view.Counted(c.verified, "command"), view.Plain(file), c.unsigned, len(c.bad))
	a.showPlaces(c.bad)
}
