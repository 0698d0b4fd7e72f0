package catalog

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of failed calls. The error of a call is a *CallError that wraps one of these,
// or a *NotReadyError.
var (
	// ErrNotFound: what was asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrFailedPrecondition: it exists, but this can't be done to it now or any more.
	ErrFailedPrecondition = errors.New("failed precondition")
	// ErrUnavailable: a later try may succeed. A plugin that ended during the call is
	// unavailable as well.
	ErrUnavailable = errors.New("unavailable")
	// ErrInvalidArgument: the request or configuration is wrong.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrUnimplemented: the binary does not serve this.
	ErrUnimplemented = errors.New("not served by this plugin")
	// ErrDeadline: no answer in time.
	ErrDeadline = errors.New("deadline exceeded")
	// ErrTooLarge: the answer, or the request, is larger than a message may be.
	ErrTooLarge = errors.New("message too large")
	// ErrBadAnswer: the answer as a whole makes no sense.
	ErrBadAnswer = errors.New("bad answer")
	// ErrBusy: too many calls to this plugin are in flight.
	ErrBusy = errors.New("too many calls in flight")
	// ErrAborted: something else was first.
	ErrAborted = errors.New("aborted")
	// ErrOutcomeUnknown: it may have been done, or not.
	ErrOutcomeUnknown = errors.New("it is not known what became of it")
	// ErrFailed: anything else that the plugin returned.
	ErrFailed = errors.New("failed")
)

// Error is why a plugin does not run: in which step, what is wrong, and what to do.
type Error struct {
	Plugin  string
	Step    string // verify, start, describe, configure, peers, call or run
	Problem string
	Remedy  string // what a person should do; may be empty
	// Rejected is set if a retry can't help until a file or the configuration changes.
	Rejected bool
	// Entry is set if the remedy is to change its entry in meshos.toml.
	Entry bool
	// Host is set if it is the fault of this node or machine, which lacks something: the
	// failure does not count against the plugin.
	Host bool
	Err  error // the cause, if there is one
}

// Error returns "plugin NAME: STEP: PROBLEM; REMEDY".
func (e *Error) Error() string {
	return "plugin " + e.Plugin + ": " + e.reason()
}

// reason returns the error without the name of the plugin, as Error does.
func (e *Error) reason() string {
	s := e.Step + ": " + e.Problem
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// standing returns the same as long as the node runs, which takes over another entry then.
func (e *Error) standing() string {
	if e.Entry {
		return e.reason() + ", then run meshos reload"
	}
	return e.reason()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RequiredError is why Run ended: a plugin marked required did not start.
type RequiredError struct {
	Plugin string
	Err    error
}

// Error implements error.
func (e *RequiredError) Error() string {
	return fmt.Sprintf("required %v (or set required = false)", e.Err)
}

// Unwrap returns the cause, an *Error.
func (e *RequiredError) Unwrap() error { return e.Err }

// NotConfiguredError means that no plugin of this name is configured.
type NotConfiguredError struct{ Plugin string }

// Error implements error.
func (e *NotConfiguredError) Error() string {
	return fmt.Sprintf("no plugin %q is configured; \"meshos plugin list\" shows those that are", e.Plugin)
}

// NotReadyError is the error of a call to a plugin that takes none at the moment. The
// call returns it at once.
type NotReadyError struct {
	Plugin string
	Status string // "backing off", "lagging" …
	Reason string // why; may be empty
	// RetryIn is after how long another try may succeed; 0 if that is not known.
	RetryIn time.Duration
}

// Error returns "plugin NAME is STATUS: REASON".
func (e *NotReadyError) Error() string {
	s := "plugin " + e.Plugin + " is " + e.Status
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap returns ErrUnavailable.
func (e *NotReadyError) Unwrap() error { return ErrUnavailable }

// RetryAfter returns RetryIn. The call never reached the plugin, so it can be made again.
func (e *NotReadyError) RetryAfter() time.Duration { return e.RetryIn }

// CallError is how a call to a plugin failed.
type CallError struct {
	Plugin string
	Method string // "LocalityProbe.SampleRtt"
	Kind   error  // one of the Err… values of this package, or the caller's ctx error
	Detail string // what the plugin said
	// RetryIn is after how long the plugin wants to be called again; 0 if it did not say.
	RetryIn time.Duration
}

// Error returns "plugin NAME: METHOD: KIND: DETAIL".
func (e *CallError) Error() string {
	s := "plugin " + e.Plugin + ": " + e.Method + ": " + e.Kind.Error()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the kind.
func (e *CallError) Unwrap() error { return e.Kind }

// RetryAfter returns RetryIn. It is above 0 only for ErrUnavailable.
func (e *CallError) RetryAfter() time.Duration { return e.RetryIn }
