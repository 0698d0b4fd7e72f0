package pluginsdk

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// coded is an error that means something to the host. It keeps its cause.
type coded struct {
	code  codes.Code
	cause error
	after time.Duration // when to try again; 0: not said
}

func (e *coded) Error() string { return e.cause.Error() }
func (e *coded) Unwrap() error { return e.cause }

// GRPCStatus is what the error becomes on the wire.
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

// Invalid says that the request or the configuration is wrong: a retry won't
// help (INVALID_ARGUMENT).
func Invalid(err error) error { return withCode(codes.InvalidArgument, err, 0) }

// NotFound says that the thing asked for does not exist (NOT_FOUND).
func NotFound(err error) error { return withCode(codes.NotFound, err, 0) }

// FailedPrecondition says that it exists but its state does not allow the call
// (FAILED_PRECONDITION).
func FailedPrecondition(err error) error { return withCode(codes.FailedPrecondition, err, 0) }

// Unavailable says that it may work later (UNAVAILABLE).
func Unavailable(err error) error { return withCode(codes.Unavailable, err, 0) }

// UnavailableAfter is Unavailable with the time after which to try again: the
// host tries an action again only if it is told when.
func UnavailableAfter(err error, d time.Duration) error {
	return withCode(codes.Unavailable, err, d)
}
