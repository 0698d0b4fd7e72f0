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

// undurableError says that a command was judged and its record was not on disk in time,
// as when the disk is full.
type undurableError struct {
	within time.Duration
	seq    uint64
}

func (e *undurableError) Error() string {
	return fmt.Sprintf("audit record %d was not on disk within %v: the verdict holds for now, and may be forgotten when the node ends\n"+
		"    meshos audit tail says \"not durable\" until it is there; meshos failures says what is wrong with the disk", e.seq, e.within)
}

// commit has the node judge a signed command. With an *undurableError there is a record
// all the same.
func (n *nodeClient) commit(ctx context.Context, commit *meshosv1.SignedCommit) (*meshosv1.AdminAuditRecord, error) {
	waiting, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	record, err := n.Commit(waiting, &hostv1.CommitRequest{Commit: commit})
	if err == nil {
		n.answered = true
		return record, nil
	}
	if ctx.Err() != nil {
		return nil, errUnanswered()
	}
	if status.Code(err) != codes.DeadlineExceeded {
		return nil, n.explain(err)
	}
	if record := n.judged(ctx, commit.GetPayload()); record != nil {
		return record, &undurableError{within: n.timeout, seq: record.GetSeq()}
	}
	return nil, &noAnswerError{
		path: n.path, reason: fmt.Sprintf("nothing came within %v", n.timeout),
		hint: "it may still take the command: see meshos audit tail before you send it again",
	}
}

// errUnanswered is for an operator who did not wait for the verdict on a command.
func errUnanswered() error {
	return errors.New("interrupted before the verdict came: the node may take the command all the same\n" +
		"    see meshos audit tail before you send it again")
}

// judged finds the record of a signed command among the node's newest, nil for none.
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

// asKept gives a command as the node's records have it, which spell out what was left
// out: a drain without a window has one of 0s there.
func asKept(event *meshosv1.AdminEvent) *meshosv1.AdminEvent {
	taken, err := wire.AdminFromProto(event)
	if err != nil {
		return event // which the node refuses
	}
	return wire.AdminToProto(taken)
}

// sendUnsigned puts a command on the node's stream as it is, and waits for the
// audit record that the node makes of it.
func (n *nodeClient) sendUnsigned(ctx context.Context, command sign.Command) (*meshosv1.AdminAuditRecord, error) {
	before, err := n.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	epoch, last := before.GetEpoch(), lastAudit(before)
	kept := asKept(command.Event)
	if _, err := n.publish(ctx, []namedEvent{{
		name: command.Kind, event: &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: command.Event}},
	}}); err != nil {
		if ctx.Err() != nil {
			return nil, errUnanswered()
		}
		return nil, err
	}
	watching, stop := context.WithTimeout(ctx, n.timeout)
	defer stop()
	var found *meshosv1.AdminAuditRecord
	stream, err := n.WatchSnapshots(watching, &hostv1.WatchSnapshotsRequest{})
	err = receive(watching, n, stream, err, func(s *meshosv1.Snapshot) error {
		for _, record := range s.GetAdminAudit() {
			if s.GetEpoch() == epoch && record.GetSeq() > last && len(record.GetCommitId()) == 0 && proto.Equal(record.GetEvent(), kept) {
				found = record
				return io.EOF
			}
		}
		return nil
	})
	switch {
	case found != nil:
		return found, nil
	case ctx.Err() != nil:
		return nil, errUnanswered()
	case watching.Err() != nil:
		return nil, fmt.Errorf("the node took %s, and within %v there was no audit record of it; see meshos status", command.Kind, n.timeout)
	}
	return nil, err
}

func lastAudit(s *meshosv1.Snapshot) uint64 {
	if list := s.GetAdminAudit(); len(list) > 0 {
		return list[len(list)-1].GetSeq()
	}
	return 0
}

// showVerdict prints the audit record, and gives an error if the command was
// rejected, or if its record is not on disk: err is what came with it.
func (a *app) showVerdict(record *meshosv1.AdminAuditRecord, err error, output outputFlag, oneLine bool) error {
	var undurable *undurableError
	if err != nil && !errors.As(err, &undurable) {
		return err
	}
	if output == outputJSON {
		if err := view.JSON(a.out, record, oneLine); err != nil {
			return err
		}
	} else if _, err := io.WriteString(a.out, a.printer(a.out).Verdict(record)); err != nil {
		return err
	}
	outcome := record.GetOutcome()
	if outcome.GetVerdict() != meshosv1.VerificationOutcome_VERDICT_REJECTED {
		return err
	}
	reason := outcome.GetKind() + ": " + view.Plain(outcome.GetMessage())
	if help := rejectionHelp(outcome.GetKind()); help != "" {
		reason += "\n    " + help
	}
	return &rejectedError{reason: reason}
}

// rejectionHelp says what to do about a rejection that the node's words leave open.
func rejectionHelp(kind string) string {
	switch kind {
	case "unsigned":
		return "the node has operators: sign with --key or --key-file"
	case "freeze_in_effect":
		return "wait until the freeze ends, or end it with meshos ice thaw"
	case "insufficient_signatures":
		return "collect them with --propose FILE"
	case "wrong_cluster":
		return "name the node's cluster with --cluster, or its configuration with --config"
	}
	return ""
}
