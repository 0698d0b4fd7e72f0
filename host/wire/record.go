package wire

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Origin is what all records of one process share: the node and the epoch that wrote
// them.
type Origin struct {
	Node  mesh.NodeID
	Epoch uint64
}

// EpochHex returns an epoch as people see it everywhere: in 16 hexadecimal digits.
func EpochHex(epoch uint64) string { return fmt.Sprintf("%016x", epoch) }

// Audit converts an audit record. It is pending until it is on disk and every appender has
// acknowledged it.
func (o Origin) Audit(in mesh.AuditRecord, pending bool) *meshosv1.AdminAuditRecord {
	if in.SignerChange != nil {
		return &meshosv1.AdminAuditRecord{
			Epoch: o.Epoch, Seq: in.Seq, CommittedAt: wall(in.Wall), ChainPending: pending,
			Node: uint64(o.Node), EpochHex: EpochHex(o.Epoch),
			SignerChange: signerChangeToProto(*in.SignerChange),
		}
	}
	return &meshosv1.AdminAuditRecord{
		Epoch:        o.Epoch,
		Seq:          in.Seq,
		CommittedAt:  wall(in.Wall),
		Event:        AdminToProto(in.Event),
		Operators:    OperatorsToProto(in.Operators),
		Outcome:      verificationToProto(in.Outcome),
		ChainPending: pending,
		CommitId:     in.CommitID,
		Commit:       envelopeToProto(in.Envelope),
		Height:       in.Ordered.Height,
		OrderedAt:    wall(in.Ordered.At),
		InMesh:       in.Ordered.Mesh,
		Late:         in.Late,
		Refusal:      refusalToProto(in.Refusal),
		Reason:       valid(in.Reason),
		Node:         uint64(o.Node),
		EpochHex:     EpochHex(o.Epoch),
	}
}

func refusalToProto(in *mesh.Refusal) *meshosv1.Refusal {
	if in == nil {
		return nil
	}
	out := &meshosv1.Refusal{Source: valid(in.Source), Kind: valid(in.Kind), More: in.More}
	if in.Order != nil {
		out.Order = EventToProto(in.Order)
	}
	return out
}

// OperatorsToProto converts who signed a command.
func OperatorsToProto(in []mesh.Operator) []*meshosv1.Operator {
	var out []*meshosv1.Operator
	for _, o := range in {
		out = append(out, &meshosv1.Operator{KeyId: valid(o.KeyID), Name: valid(o.Name), Verified: o.Verified})
	}
	return out
}

func verificationToProto(in mesh.Verification) *meshosv1.VerificationOutcome {
	return &meshosv1.VerificationOutcome{
		Verdict: meshosv1.VerificationOutcome_Verdict(in.Verdict),
		Kind:    valid(in.Kind),
		Message: valid(in.Message),
	}
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

// OutputPlace converts a place in the output of a daemon; nil for none.
func OutputPlace(in mesh.OutputPlace) *meshosv1.OutputPlace {
	if in == (mesh.OutputPlace{}) {
		return nil
	}
	return &meshosv1.OutputPlace{Spool: in.Spool, Segment: in.Segment, Offset: in.Offset}
}

// Log converts a line of the node's log, without its place in the output of a daemon.
func (o Origin) Log(in mesh.LogRecord, pending bool) *meshosv1.LogRecord {
	return &meshosv1.LogRecord{
		Epoch:        o.Epoch,
		Seq:          in.Seq,
		At:           wall(in.Wall),
		Level:        meshosv1.LogLevel(in.Level),
		Node:         uint64(o.Node),
		DaemonId:     orAbsent(in.Daemon),
		Source:       valid(in.Source),
		Message:      valid(in.Message),
		ChainPending: pending,
		EpochHex:     EpochHex(o.Epoch),
	}
}

// Failure converts a failure record.
func (o Origin) Failure(in mesh.FailureRecord, pending bool) *meshosv1.FailureRecord {
	return &meshosv1.FailureRecord{
		Epoch:        o.Epoch,
		Seq:          in.Seq,
		At:           wall(in.Wall),
		Source:       valid(in.Source),
		Reason:       valid(in.Reason),
		ChainPending: pending,
		Node:         uint64(o.Node),
		EpochHex:     EpochHex(o.Epoch),
	}
}

// Action converts the record of how an action ended. Deadlines in the action are relative
// to that moment, so that one record always encodes to the same bytes.
func (o Origin) Action(in mesh.ActionRecord) *meshosv1.ActionRecord {
	out := &meshosv1.ActionRecord{
		Epoch:    o.Epoch,
		Seq:      in.Seq,
		At:       wall(in.Wall),
		ActionId: uint64(in.ID),
		Outcome:  meshosv1.ActionRecord_Outcome(in.End),
		Reason:   valid(in.Reason),
		Node:     uint64(o.Node),
		EpochHex: EpochHex(o.Epoch),
	}
	if in.Action != nil {
		out.Action = ActionToProto(in.Action, in.At)
	}
	if in.RetryAfter > 0 {
		out.RetryAfter = durationpb.New(in.RetryAfter)
	}
	return out
}
