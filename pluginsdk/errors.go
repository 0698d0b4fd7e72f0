package pluginsdk

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// coded is an error with a meaning for the host. It wraps its cause.
type coded struct {
	code  codes.Code
	cause error
	after time.Duration // when to try again; 0: unknown
}

func (e *coded) Error() string { return e.cause.Error() }
func (e *coded) Unwrap() error { return e.cause }

// GRPCStatus returns what is sent to the host.
func (e *coded) GRPCStatus() *status.Status {
	st := status.New(e.code, e.cause.Error())
	if e.after <= 0 {
		return st
	}
	detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.after)})
	if err != nil {
		return st // a code of OK, which no constructor makes
	}
	return detailed
}

func withCode(code codes.Code, err error, after time.Duration) error {
	if err == nil {
		err = errors.New("no reason given")
	}
	return &coded{code: code, cause: err, after: after}
}

// Invalid returns err with the meaning that the request or the configuration is wrong, so
// that a retry does not help (INVALID_ARGUMENT). As with the functions below, the text is
// that of err, and an error that wraps the result with %w keeps the meaning.
func Invalid(err error) error { return withCode(codes.InvalidArgument, err, 0) }

// NotFound returns err with the meaning that what the call asks for does not exist
// (NOT_FOUND).
func NotFound(err error) error { return withCode(codes.NotFound, err, 0) }

// FailedPrecondition returns err with the meaning that what the call asks for exists, but
// is in a state that does not allow the call (FAILED_PRECONDITION).
func FailedPrecondition(err error) error { return withCode(codes.FailedPrecondition, err, 0) }

// Unavailable returns err with the meaning that the same call may succeed later
// (UNAVAILABLE).
func Unavailable(err error) error { return withCode(codes.Unavailable, err, 0) }

// Aborted returns err with the meaning that something else was first, so that the caller
// has to begin again with what is true now (ABORTED).
func Aborted(err error) error { return withCode(codes.Aborted, err, 0) }

// Unknown returns err with the meaning that it is not known what became of the call
// (DEADLINE_EXCEEDED).
func Unknown(err error) error { return withCode(codes.DeadlineExceeded, err, 0) }

// UnavailableAfter is Unavailable with the time after which the host may try again. An
// action is tried again only with such a time.
func UnavailableAfter(err error, d time.Duration) error {
	return withCode(codes.Unavailable, err, d)
}
