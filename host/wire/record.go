package wire

import (
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Origin is what every record of one process shares: who wrote it.
type Origin struct {
	Node  mesh.NodeID
	Epoch uint64
}

// Audit turns an audit record. Pending says that it is not yet durable and
// acknowledged by every appender.
func (o Origin) Audit(in mesh.AuditRecord, pending bool) *meshosv1.AdminAuditRecord {
	if in.SignerChange != nil {
		return &meshosv1.AdminAuditRecord{
			Epoch: o.Epoch, Seq: in.Seq, CommittedAt: wall(in.Wall), ChainPending: pending,
			SignerChange: signerChangeToProto(*in.SignerChange),
		}
	}
	out := &meshosv1.AdminAuditRecord{
		Epoch:       o.Epoch,
		Seq:         in.Seq,
		CommittedAt: wall(in.Wall),
		Event:       AdminToProto(in.Event),
		Outcome: &meshosv1.VerificationOutcome{
			Verdict: meshosv1.VerificationOutcome_Verdict(in.Outcome.Verdict),
			Kind:    valid(in.Outcome.Kind),
			Message: valid(in.Outcome.Message),
		},
		ChainPending: pending,
		CommitId:     in.CommitID,
		Commit:       envelopeToProto(in.Envelope),
	}
	for _, operator := range in.Operators {
		out.Operators = append(out.Operators, &meshosv1.Operator{
			KeyId: valid(operator.KeyID), Name: valid(operator.Name), Verified: operator.Verified,
		})
	}
	return out
}

func signerChangeToProto(in mesh.SignerChange) *meshosv1.SignerChange {
	return &meshosv1.SignerChange{
		Name: valid(in.Name), OldFingerprint: valid(in.Old), NewFingerprint: valid(in.New), Text: valid(in.Text),
	}
}

func envelopeToProto(in *mesh.Envelope) *meshosv1.SignedCommit {
	if in == nil {
		return nil
	}
	return &meshosv1.SignedCommit{Payload: in.Payload, Signatures: in.Signatures}
}

// Log turns a line of the node's log.
func (o Origin) Log(in mesh.LogRecord, pending bool) *meshosv1.LogRecord {
	return &meshosv1.LogRecord{
		Epoch:        o.Epoch,
		Seq:          in.Seq,
		At:           wall(in.Wall),
		Level:        meshosv1.LogLevel(in.Level),
		Node:         uint64(o.Node),
		DaemonId:     orAbsent(in.Daemon),
		Message:      valid(in.Message),
		ChainPending: pending,
	}
}

// Failure turns a failure record.
func (o Origin) Failure(in mesh.FailureRecord, pending bool) *meshosv1.FailureRecord {
	return &meshosv1.FailureRecord{
		Epoch:        o.Epoch,
		Seq:          in.Seq,
		At:           wall(in.Wall),
		Source:       valid(in.Source),
		Reason:       valid(in.Reason),
		ChainPending: pending,
	}
}

// Action turns the record of how an action ended. What is relative in the action
// counts from when it ended, so that the same record always encodes the same.
func (o Origin) Action(in mesh.ActionRecord) *meshosv1.ActionRecord {
	out := &meshosv1.ActionRecord{
		Epoch:    o.Epoch,
		Seq:      in.Seq,
		At:       wall(in.Wall),
		ActionId: uint64(in.ID),
		Outcome:  meshosv1.ActionRecord_Outcome(in.End),
		Reason:   valid(in.Reason),
	}
	if in.Action != nil {
		out.Action = ActionToProto(in.Action, in.At)
	}
	if in.RetryAfter > 0 {
		out.RetryAfter = durationpb.New(in.RetryAfter)
	}
	return out
}
