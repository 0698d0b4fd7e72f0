package main

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// signatureCheck checks the signatures of audit records again, against a file of
// signers, as of the time at which each was committed.
type signatureCheck struct {
	set      *signers.Set
	proven   int // accepted commands whose signatures are good
	unsigned int // commands that nobody had to sign, or that were rejected
	bad      []string
}

// see looks at one record. What is wrong is kept, and never ends the walk.
func (c *signatureCheck) see(r *meshosv1.Record) error {
	a := r.GetAudit()
	if a == nil || a.GetSignerChange() != nil { // which is no command
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
	c.proven++
	return nil
}

// check says what is wrong with an accepted command, or "".
func (c *signatureCheck) check(a *meshosv1.AdminAuditRecord) string {
	payload := a.GetCommit().GetPayload()
	if len(payload) == 0 {
		return "it was accepted, but the signed command is not with it"
	}
	if !bytes.Equal(operator.CommitID(payload), a.GetCommitId()) {
		return "its commit id is not that of the signed command"
	}
	command, rejection := operator.Decode(payload)
	if rejection != nil {
		return "the signed command can't have been accepted: " + rejection.Error()
	}
	// The record holds the command as the node understood it, which may be written in
	// another way than it was signed: a window left out, or one of 0 s.
	if !proto.Equal(wire.AdminToProto(command.Event), a.GetEvent()) {
		return "the signed command is another one than the record says"
	}
	proven, _, rejection := operator.Verify(c.set, payload, a.GetCommit().GetSignatures(), a.GetCommittedAt().AsTime())
	if rejection != nil {
		return rejection.Error()
	}
	for _, named := range a.GetOperators() {
		found := false
		for _, p := range proven {
			found = found || p.KeyID == named.GetKeyId()
		}
		if !found {
			return fmt.Sprintf("it names %s, whose signature is not with it", named.GetKeyId())
		}
	}
	return ""
}

// show prints what was found.
func (c *signatureCheck) show(a *app) {
	colors := a.color(a.out)
	verdict := colors.Apply(view.Good, "good")
	if len(c.bad) > 0 {
		verdict = colors.Apply(view.Bad, "bad")
	}
	_, _ = fmt.Fprintf(a.out, "signatures %s: %s proven, %d unsigned or rejected, %d bad\n",
		verdict, view.Counted(c.proven, "command"), c.unsigned, len(c.bad))
	a.showPlaces(c.bad)
}
