package cluster

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// foldCommit judges a signed command, and folds what it says if it counts.
func (s *State) foldCommit(e entry, v verified, out *Outcome) {
	in, command, rejection := e.GetCommit(), e.command, e.malformed
	order := &out.Order
	order.Event, order.Reason, order.CommitID = command.Event, command.Reason, rules.CommitID(in.GetPayload())
	order.Operators = v.operators
	order.Outcome = mesh.Verification{Verdict: mesh.VerdictAccepted}
	switch {
	case s.signers.set == nil && command.Event != nil:
		order.Outcome.Verdict = mesh.VerdictUnverified
		order.Operators = claimed(v.operators)
		if rejection == nil {
			rejection = checkOnlyOn(command)
		}
	case rejection == nil:
		if rejection = s.checkCommit(command, len(in.GetSignatures()), v); rejection == nil {
			s.useUp(command)
			order.Envelope = &mesh.Envelope{Payload: in.GetPayload(), Signatures: in.GetSignatures()}
		} else if v.wrong == nil && rejection.Kind != rules.KindInsufficient && rejection.Kind != rules.KindCooldown {
			order.Operators = claimed(v.operators) // it was rejected before signatures count
		}
	}
	if rejection == nil {
		rejection = s.carryOut(command.Event, out)
	}
	if rejection != nil {
		order.Outcome = rejection.Outcome()
	}
}

// Preview returns why the log would reject a signed command at a time; nil if it would accept
// it. It uses nothing up. A host asks before it orders a command, so that operators learn at
// once what is wrong; what counts is Fold.
func (s *State) Preview(in *meshosv1.SignedCommit, at time.Time) *rules.Rejection {
	command, rejection := rules.Decode(in.GetPayload())
	if rejection != nil {
		return rejection
	}
	next := s.clone()
	next.mark()
	next.advance(later(at, s.at))
	if s.signers.set == nil {
		rejection = checkOnlyOn(command)
	} else {
		var v verified
		if len(in.GetSignatures()) <= s.policy.MostSignatures(command.Event) {
			v.operators, v.persons, v.wrong = rules.Verify(s.signers.set, in.GetPayload(), in.GetSignatures(), next.at)
		}
		rejection = next.checkCommit(command, len(in.GetSignatures()), v)
	}
	if rejection != nil {
		return rejection
	}
	return next.carryOut(command.Event, &Outcome{Place: mesh.Place{Height: s.height + 1, At: next.at}})
}

// PreviewUnsigned is Preview for a command without a signature.
func (s *State) PreviewUnsigned(ev mesh.AdminEvent, at time.Time) *rules.Rejection {
	next := s.clone()
	next.mark()
	next.advance(later(at, s.at))
	if rejection := next.checkUnsigned(ev); rejection != nil {
		return rejection
	}
	return next.carryOut(ev, &Outcome{Place: mesh.Place{Height: s.height + 1, At: next.at}})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// checkCommit makes the checks of package operator in their order, in log time, except for
// those that concern one host alone: its simulations, its limits and its disk.
func (s *State) checkCommit(c rules.Command, signatures int, v verified) *rules.Rejection {
	if rejection := s.policy.CheckEnvelope(c, s.at); rejection != nil {
		return rejection
	}
	if rejection := checkOnlyOn(c); rejection != nil {
		return rejection
	}
	if _, used := s.nonces[c.Nonce]; used {
		return rules.Reject(rules.KindReplayed, "the command was accepted before and is accepted only once; sign a new one")
	}
	if rejection := s.policy.CheckCount(c.Event, signatures); rejection != nil {
		return rejection
	}
	if v.wrong != nil {
		return v.wrong
	}
	if need := s.policy.Threshold(c.Event); v.persons < need {
		return rules.Reject(rules.KindInsufficient, "%s needs signatures of %d different operators, got %d", c.Event.Kind(), need, v.persons)
	}
	if b, has := rules.BucketOf(c.Event); has {
		if until := s.cooldowns[b]; until.After(s.at.Truncate(time.Millisecond)) {
			return rules.Reject(rules.KindCooldown, "%s have to wait until %s, another %s", b, rules.Stamp(until), until.Sub(s.at).Round(time.Millisecond))
		}
	}
	return nil
}

func checkOnlyOn(c rules.Command) *rules.Rejection {
	if c.OnlyOn == 0 {
		return nil
	}
	return rules.Reject(rules.KindOnlyOn, "the command is for node %d alone, at its own door: it does not count in the log of the mesh", c.OnlyOn)
}

// useUp remembers a command that counts: it does not count again, and others wait for it.
func (s *State) useUp(c rules.Command) {
	s.nonces[c.Nonce] = c.IssuedAt
	if b, has := rules.BucketOf(c.Event); has && s.policy.Cooldown > 0 {
		s.cooldowns[b] = s.at.Truncate(time.Millisecond).Add(s.policy.Cooldown)
	}
}

// foldUnsigned folds a command without a signature, which counts while the mesh has no
// operators.
func (s *State) foldUnsigned(in *meshosv1.Event, out *Outcome) {
	event, reason, rejection := command(in)
	out.Order.Event, out.Order.Reason = event, reason
	out.Order.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
	if rejection == nil && !s.fromFounding(event) {
		rejection = s.checkUnsigned(event)
	}
	if rejection == nil {
		rejection = s.carryOut(event, out)
	}
	if rejection != nil {
		out.Order.Outcome = rejection.Outcome()
	}
}

func (s *State) checkUnsigned(ev mesh.AdminEvent) *rules.Rejection {
	if s.signers.set != nil {
		return rules.Reject(mesh.RejectUnsigned, "the mesh has operators, so the command must be signed")
	}
	if why := rules.CheckFreeze(ev); why != "" {
		return rules.Reject(mesh.RejectMalformed, "%s", why)
	}
	return nil
}

// command returns the command in an event.
func command(in *meshosv1.Event) (mesh.AdminEvent, string, *rules.Rejection) {
	event, _, err := wire.EventFromProto(in)
	if err != nil {
		return nil, "", rules.Reject(mesh.RejectMalformed, "%v", err)
	}
	received, is := event.(mesh.AdminReceived)
	if !is {
		return nil, "", rules.Reject(KindNotOrdered, "the log of a mesh takes commands only")
	}
	return received.Event, received.Reason, nil
}
