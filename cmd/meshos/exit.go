package main

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/config"
)

// The exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoAnswer = 3
	exitRejected = 4
	exitUnknown  = 5 // of an order in a mesh: it is not known whether it counts
	exitDenied   = 6
)

// usageError is a mistake in the command line.
type usageError struct {
	err  error
	help string // the command line that explains the usage; may be empty
}

func (e *usageError) Error() string {
	if e.help == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v\n    see %s", e.err, e.help)
}

func (e *usageError) Unwrap() error { return e.err }

// configError is a configuration with mistakes.
type configError struct{ report *config.Report }

func (e *configError) Error() string {
	n := len(e.report.Problems)
	what := fmt.Sprintf("%d mistakes", n)
	if n == 1 {
		what = "1 mistake"
	}
	return fmt.Sprintf("the configuration has %s\n%v", what, e.report)
}

// faultsError is a configuration with which a node starts, but not all of it works.
type faultsError struct{ faults []config.Problem }

func (e *faultsError) Error() string {
	what := "1 fault; a node starts without what it is about"
	if n := len(e.faults); n != 1 {
		what = fmt.Sprintf("%d faults; a node starts without what they are about", n)
	}
	return fmt.Sprintf("the configuration has %s\n%v", what, &config.Report{Problems: e.faults})
}

// noAnswerError is a node that does not answer.
type noAnswerError struct {
	path   string
	other  string // the node of the mesh that was asked through the one at path
	reason string
	hint   string
}

func (e *noAnswerError) Error() string {
	if e.other != "" {
		return fmt.Sprintf("node %s does not answer through the mesh: %s\n    %s", e.other, e.reason, e.hint)
	}
	return fmt.Sprintf("no node answers on %s: %s\n    %s", e.path, e.reason, e.hint)
}

// deniedError is a node that may be well, but has no business with this user.
type deniedError struct {
	path   string
	reason string
	hint   string // may be empty
}

func (e *deniedError) Error() string {
	said := fmt.Sprintf("permission denied: %s: %s", e.path, e.reason)
	if e.hint != "" {
		said += "\n    " + e.hint
	}
	return said
}

// unknownError is an order of which nobody knows whether the log of the mesh took it.
type unknownError struct{ reason string }

func (e *unknownError) Error() string { return "not known: " + e.reason }

// rejectedError is a request that the node rejected.
type rejectedError struct{ reason string }

func (e *rejectedError) Error() string { return "rejected: " + e.reason }

func exitCode(err error) int {
	var (
		usage    *usageError
		unusable *sign.UsageError
		mistakes *configError
		noAnswer *noAnswerError
		rejected *rejectedError
		denied   *deniedError
		unknown  *unknownError
	)
	switch {
	case errors.As(err, &usage), errors.As(err, &unusable), errors.As(err, &mistakes):
		return exitUsage
	case errors.As(err, &noAnswer):
		return exitNoAnswer
	case errors.As(err, &rejected):
		return exitRejected
	case errors.As(err, &denied):
		return exitDenied
	case errors.As(err, &unknown):
		return exitUnknown
	}
	return exitFailed
}

// explain turns the error of a call into one that a person understands and exitCode knows.
func (n *nodeClient) explain(err error) error {
	answer, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch answer.Code() {
	case codes.Canceled:
		return errors.New("interrupted before the node answered")
	case codes.Unavailable:
		if n.other != "" && strings.Contains(answer.Message(), "node") {
			return n.otherSilent(answer.Message())
		}
		if n.answered {
			return &noAnswerError{path: n.path, reason: answer.Message(), hint: "the node has stopped; its log shows why"}
		}
		return n.noAnswer()
	case codes.NotFound:
		if n.other != "" && strings.Contains(answer.Message(), "member of the mesh") {
			return &usageError{err: fmt.Errorf("--node: %s", answer.Message())}
		}
	case codes.DeadlineExceeded:
		if orderUnknown(answer) {
			return &unknownError{reason: answer.Message()}
		}
		return n.late()
	case codes.ResourceExhausted:
		if tooMany(answer) {
			return &noAnswerError{path: n.path, reason: answer.Message(), hint: hintTooMany}
		}
	case codes.PermissionDenied:
		return &deniedError{path: n.path, reason: answer.Message(), hint: deniedHint(answer)}
	case codes.Unimplemented:
		return errors.New("the node does not know this call, so it runs an older version: " + answer.Message() + "\n    compare them with meshos version")
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unauthenticated, codes.AlreadyExists:
		return &rejectedError{reason: answer.Message()}
	}
	return errors.New(answer.Message())
}

// orderUnknown reports whether a node said that it does not know whether an order counts.
func orderUnknown(answer *status.Status) bool {
	for _, d := range answer.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == api.ReasonOrderUnknown {
			return true
		}
	}
	return false
}

// tooMany reports whether a node refused a connection because it has too many.
func tooMany(answer *status.Status) bool {
	for _, d := range answer.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == api.ReasonTooMany {
			return true
		}
	}
	return false
}
