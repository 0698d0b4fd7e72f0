package catalog

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/internal/plaintext"
)

// detailLength bounds a plugin's own words in an error, in bytes.
const detailLength = 1000

// callError turns the gRPC error of a call into the *CallError that callers expect.
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
			detail += "; the request does not fit into one message"
		} else {
			detail += "; it has to send less in one answer"
		}
	case ErrUnimplemented:
		detail += "; take this kind out of kinds in its entry in meshos.toml and run meshos reload, or install a build that serves it"
	}
	return &CallError{Plugin: plugin, Method: method, Kind: kind, Detail: detail, RetryIn: retryIn(st)}
}

// retryIn returns after how long the plugin wants to be called again.
func retryIn(st *status.Status) time.Duration {
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

// sdkLimit is in the text with which pluginsdk refuses an answer that is too large.
const sdkLimit = "over the limit of"

// kindOf returns the meaning of a status code, as plugin.proto defines it.
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
	case codes.Aborted:
		return ErrAborted
	case codes.ResourceExhausted:
		// gRPC refuses messages for their size with this code, on the host's side too.
		if strings.Contains(st.Message(), "larger than max") || strings.Contains(st.Message(), sdkLimit) {
			return ErrTooLarge
		}
	case codes.Internal:
		if strings.Contains(st.Message(), answers.TooHeavy) { // by the host's codec
			return ErrTooLarge
		}
	}
	return ErrFailed
}
