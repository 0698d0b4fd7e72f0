package catalog

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/plaintext"
)

// detailLength bounds what is kept of a plugin's own words in an error.
const detailLength = 1000

// callError turns what a call returned into what callers look for.
func callError(plugin, method string, err error) error {
	if err == nil {
		return nil
	}
	if _, ours := err.(*CallError); ours {
		return err
	}
	st, _ := status.FromError(err)
	kind, detail := kindOf(st), plaintext.Clean(st.Message(), detailLength)
	switch kind {
	case ErrTooLarge:
		if strings.Contains(st.Message(), "trying to send") {
			detail += "; there is more to tell it than one message holds"
		} else {
			detail += "; it has to answer with less at a time"
		}
	case ErrUnimplemented:
		detail += "; leave that out of kinds in its entry, or install a build that serves it"
	}
	return &CallError{Plugin: plugin, Method: method, Kind: kind, Detail: detail, Again: retryOf(st)}
}

// retryOf gives the time after which the plugin wants to be asked again.
func retryOf(st *status.Status) time.Duration {
	if st.Code() != codes.Unavailable {
		return 0
	}
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().IsValid() {
			return max(0, info.GetRetryDelay().AsDuration())
		}
	}
	return 0
}

// kindOf gives the meaning of a status code, as plugin.proto defines it.
func kindOf(st *status.Status) error {
	switch st.Code() {
	case codes.NotFound:
		return ErrNotFound
	case codes.FailedPrecondition:
		return ErrFailedPrecondition
	case codes.Unavailable:
		return ErrUnavailable
	case codes.InvalidArgument:
		return ErrInvalidArgument
	case codes.Unimplemented:
		return ErrUnimplemented
	case codes.DeadlineExceeded:
		return ErrDeadline
	case codes.ResourceExhausted:
		// Our side of the connection refuses a message by its size with this code.
		if strings.Contains(st.Message(), "larger than max") {
			return ErrTooLarge
		}
	}
	return ErrFailed
}
