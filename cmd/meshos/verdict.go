package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// undurableError is a verdict whose audit record was not on disk in time, for example
// because the disk is full.
type undurableError struct {
	within time.Duration
	seq    uint64
}

func (e *undurableError) Error() string {
	return fmt.Sprintf("audit record %d was not on disk within %v: the verdict is in effect, but may be lost when the node stops\n"+
		"    meshos audit tail shows \"not durable\" until it is on disk; meshos failures shows what is wrong with the disk", e.seq, e.within)
}

// orderWithin is how long at least a command waits for its verdict in a mesh: the node says after
// 10 s that it does not know.
const orderWithin = 13 * time.Second

// orderTimeout returns how long a command waits for its verdict.
func (n *nodeClient) orderTimeout() time.Duration {
	if n.inMesh {
		return max(n.timeout, orderWithin)
	}
	return n.timeout
}

// commit sends a signed command and returns the node's audit record of it. With an
// *undurableError it returns a record, too.
func (n *nodeClient) commit(ctx context.Context, commit *meshosv1.SignedCommit) (*meshosv1.AdminAuditRecord, error) {
	waiting, cancel := context.WithTimeout(ctx, n.orderTimeout())
	defer cancel()
	record, err := n.Commit(waiting, &hostv1.CommitRequest{Commit: commit})
	if err == nil {
		n.answered = true
		return record, nil
	}
	if ctx.Err() != nil {
		return nil, errUnanswered()
	}
	if answer := status.Convert(err); answer.Code() != codes.DeadlineExceeded || orderUnknown(answer) {
		return nil, n.explain(err)
	}
	if record := n.judged(ctx, commit.GetPayload()); record != nil {
		return record, &undurableError{within: n.timeout, seq: record.GetSeq()}
	}
	return nil, &noAnswerError{
		path: n.path, reason: fmt.Sprintf("no answer within %v", n.timeout),
		hint: "it may still accept the command: look at meshos audit tail before you send it again",
	}
}

// errUnanswered returns the error for an operator who interrupted a command that was sent
// already.
func errUnanswered() error {
	return errors.New("interrupted before the verdict came: the node may still accept the command\n" +
		"    look at meshos audit tail before you send it again")
}

// judged returns the record of a signed command if it is among the node's newest, and else
// nil.
func (n *nodeClient) judged(ctx context.Context, payload []byte) *meshosv1.AdminAuditRecord {
	now, err := n.snapshot(ctx)
	if err != nil {
		return nil
	}
	id := sha256.Sum256(payload)
	for _, record := range slices.Backward(now.GetAdminAudit()) {
		if bytes.Equal(record.GetCommitId(), id[:]) {
			return record
		}
	}
	return nil
}

// asRecorded returns a command as the node's records have it. They spell out what was left
// out: a drain without a window has one of 0s there.
func asRecorded(event *meshosv1.AdminEvent) *meshosv1.AdminEvent {
	taken, err := wire.AdminFromProto(event)
	if err != nil {
		return event // the node will reject it
	}
	return wire.AdminToProto(taken)
}

// sendUnsigned publishes a command without signatures as an event, and returns the audit record
// that the node made of it. An older node does not say which one that is: then it is the next
// one that could be.
func (n *nodeClient) sendUnsigned(ctx context.Context, command sign.Command) (*meshosv1.AdminAuditRecord, error) {
	before, err := n.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	epoch, last := before.GetEpoch(), lastAudit(before)
	recorded := asRecorded(command.Event)
	event, err := newEvent(command.Kind, &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: command.Event}, Reason: command.Reason})
	if err != nil {
		return nil, err
	}
	answer, err := n.publishWithin(ctx, n.orderTimeout(), []namedEvent{event})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, errUnanswered()
	case err != nil:
		return nil, err
	case answer.GetRecord() != nil:
		return answer.GetRecord(), nil
	case len(answer.GetRefused()) > 0: // what has no record of its own is counted with others of its kind
		r := answer.GetRefused()[0]
		return &meshosv1.AdminAuditRecord{Event: recorded, Reason: command.Reason, Outcome: &meshosv1.VerificationOutcome{
			Verdict: meshosv1.VerificationOutcome_VERDICT_REJECTED, Kind: r.GetKind(), Message: r.GetMessage(),
		}}, nil
	}
	watching, stop := context.WithTimeout(ctx, n.timeout)
	defer stop()
	var found *meshosv1.AdminAuditRecord
	stream, err := n.watchSections(watching, hostv1.SnapshotFilter_SECTION_ADMIN_AUDIT)
	err = receive(watching, n, stream, err, documents(func(s *meshosv1.Snapshot) error {
		for _, record := range s.GetAdminAudit() {
			if s.GetEpoch() == epoch && record.GetSeq() > last && len(record.GetCommitId()) == 0 && record.GetReason() == command.Reason && proto.Equal(record.GetEvent(), recorded) {
				found = record
				return io.EOF
			}
		}
		return nil
	}))
	switch {
	case found != nil:
		return found, nil
	case ctx.Err() != nil:
		return nil, errUnanswered()
	case watching.Err() != nil:
		return nil, fmt.Errorf("the node accepted %s, but there was no audit record of it within %v; see meshos audit tail", command.Kind, n.timeout)
	}
	var ended *noAnswerError
	if command.Event.GetStopNode() != nil && errors.As(err, &ended) { // it was quicker than the question
		return &meshosv1.AdminAuditRecord{
			Event: recorded, Reason: command.Reason,
			Outcome: &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_UNVERIFIED},
		}, nil
	}
	return nil, err
}

func lastAudit(s *meshosv1.Snapshot) uint64 {
	if list := s.GetAdminAudit(); len(list) > 0 {
		return list[len(list)-1].GetSeq()
	}
	return 0
}

// showVerdict prints the audit record of a command, and whether it changed something on the
// node as that was before. It returns an error if the command was rejected or its record is
// not on disk; err is the error that came with the record.
func (a *app) showVerdict(
	record *meshosv1.AdminAuditRecord, err error, before *meshosv1.Snapshot, output outputFlag, monitored bool,
) error {
	var undurable *undurableError
	if err != nil && !errors.As(err, &undurable) {
		return err
	}
	outcome := record.GetOutcome()
	rejected := outcome.GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED
	why := ""
	if !rejected {
		why = view.NoOp(record.GetEvent(), before)
	}
	if output == outputJSON {
		if err := view.JSONWith(a.out, record, monitored, "nothing_changed", why); err != nil {
			return err
		}
	} else {
		words := a.printer(a.out).Verdict(record)
		switch {
		case rejected || monitored:
		case why != "":
			words += "Nothing changed: " + why + ".\n"
		default:
			words += view.Reach(record.GetEvent(), before)
		}
		if _, err := io.WriteString(a.out, words); err != nil {
			return err
		}
	}
	if !rejected {
		return err
	}
	reason := outcome.GetKind() + ": " + view.Plain(outcome.GetMessage())
	if help := rejectionHelp(outcome.GetKind()); help != "" {
		reason += "\n    " + help
	}
	return &rejectedError{reason: reason}
}

// rejectionHelp returns what an operator can do about a rejection, "" if the node's message
// says it.
func rejectionHelp(kind string) string {
	switch kind {
	case "unsigned":
		return "this node has operators: sign the command, with --key or --key-file"
	case "freeze_in_effect":
		return "wait for the end of the freeze, or end it with meshos ice thaw"
	case "not_authorized":
		return "meshos operators list shows who may sign, from when until when"
	case "ice_cooldown_active":
		return "wait for its end, then send it again; if the proposal has expired by then, propose the command again"
	case "envelope_from_future", "envelope_expired":
		return "a command is valid for a short time: if it was sent at once, compare this machine's clock with the node's"
	case "insufficient_signatures":
		return "collect the signatures of more operators with --propose FILE"
	case "wrong_cluster":
		return "name the node's cluster with --cluster, or its configuration with --config"
	}
	return ""
}
