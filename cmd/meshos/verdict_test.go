package main

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// An equal command of somebody else, or an earlier one of this operator, may be folded while
// this one is refused: the fake node makes a record of an accepted one each time.
func TestTheVerdictOnACommandIsNotThatOfAnEqualOne(t *testing.T) {
	rejected := &meshosv1.VerificationOutcome{
		Verdict: meshosv1.VerificationOutcome_VERDICT_REJECTED, Kind: "mesh_unreachable", Message: "no quorum of the seeds is reached",
	}
	refused := []*hostv1.RefusedEvent{{Kind: rejected.GetKind(), Message: rejected.GetMessage()}}
	for name, answer := range map[string]*hostv1.PublishResponse{
		"with its record":    {Refused: refused, Record: &meshosv1.AdminAuditRecord{Seq: 9, Outcome: rejected}},
		"without its record": {Refused: refused},
	} {
		t.Run(name, func(t *testing.T) {
			j, d, _ := newOperatorNode(t, "")
			j.answer = func() (*hostv1.PublishResponse, error) { return answer, nil }
			code := d.run(t.Context(), "admin cordon --yes --unsigned --reason mine")
			if code != exitRejected || !strings.Contains(d.err.String(), "mesh_unreachable: no quorum of the seeds is reached") {
				t.Errorf("exit code %d: %s%s", code, d.out.String(), d.err.String())
			}
		})
	}
	t.Run("taken by a node that does not say which record is its own", func(t *testing.T) {
		j, d, _ := newOperatorNode(t, "")
		j.answer = func() (*hostv1.PublishResponse, error) {
			j.audit(j.unsigned[0]).Reason = "mine" // behind the one of the equal command
			return &hostv1.PublishResponse{Accepted: 1}, nil
		}
		d.must(t, "admin cordon --yes --unsigned --reason mine")
		if want := fmt.Sprintf("record %d ", len(j.snapshot.GetAdminAudit())); !strings.Contains(d.out.String(), want) {
			t.Errorf("want %s in %s", want, d.out.String())
		}
	})
}

func TestAnOrderOfWhichNothingIsKnownHasAnExitCodeOfItsOwn(t *testing.T) {
	unknown, err := status.New(codes.DeadlineExceeded, "it is not known whether the log of the mesh took the command").
		WithDetails(&errdetails.ErrorInfo{Reason: api.ReasonOrderUnknown, Domain: "meshos"})
	if err != nil {
		t.Fatal(err)
	}
	for name, operators := range map[string]string{"unsigned": "", "signed": withOperators} {
		t.Run(name, func(t *testing.T) {
			j, d, dir := newOperatorNode(t, operators)
			line := "admin cordon --yes"
			if operators != "" {
				signersFile(t, dir, map[string]byte{"ana": 1})
				d.startAgent(t, 1)
			} else {
				line += " --unsigned"
			}
			j.answer = func() (*hostv1.PublishResponse, error) { return nil, unknown.Err() }
			if code := d.run(t.Context(), line); code != exitUnknown || !strings.Contains(d.err.String(), "not known: it is not known whether") {
				t.Errorf("exit code %d: %s%s", code, d.out.String(), d.err.String())
			}
		})
	}
}
