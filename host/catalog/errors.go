package catalog

import (
	"errors"
	"fmt"
	"time"
)

// What a call can end with. The error of a call is a *CallError that wraps one of
// these, or a *NotReadyError.
var (
	// ErrNotFound: what was asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrFailedPrecondition: it exists, but this can't be done to it now or any more.
	ErrFailedPrecondition = errors.New("failed precondition")
	// ErrUnavailable: try again later; also when the plugin ended during the call.
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
	// ErrBusy: too many calls to this plugin are out.
	ErrBusy = errors.New("too many calls are out")
	// ErrFailed: anything else that the plugin returned.
	ErrFailed = errors.New("failed")
)

// Error says what is wrong with a plugin, in which step, and what to do.
type Error struct {
	Plugin  string
	Step    string // verify, start, describe, configure or peers
	Problem string
	Remedy  string // what a person should do; empty if that is plain
	// Rejected: a retry can't help until a file or the configuration changes.
	Rejected bool
	Err      error // the cause, if there is one
}

// Error gives "plugin NAME: STEP: PROBLEM; REMEDY".
func (e *Error) Error() string {
	return "plugin " + e.Plugin + ": " + e.reason()
}

// reason leaves out the plugin, for where its name stands already.
func (e *Error) reason() string {
	s := e.Step + ": " + e.Problem
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// RequiredError is why Run gave up: a plugin marked required did not come up.
type RequiredError struct {
	Plugin string
	Err    error
}

// Error implements error.
func (e *RequiredError) Error() string {
	return fmt.Sprintf("required %v (or set required = false)", e.Err)
}

// Unwrap gives the cause, an *Error.
func (e *RequiredError) Unwrap() error { return e.Err }

// NotConfiguredError says that there is no plugin of a name.
type NotConfiguredError struct{ Plugin string }

// Error implements error.
func (e *NotConfiguredError) Error() string {
	return fmt.Sprintf("no plugin %q is configured; \"meshos plugin list\" shows those that are", e.Plugin)
}

// NotReadyError is the immediate answer of a plugin that takes no calls.
type NotReadyError struct {
	Plugin string
	Status string // "backing off", "lagging" …
	Reason string // why; may be empty
	// Again is when the call may be worth another try; 0 if that is not known.
	Again time.Duration
}

// Error gives "plugin NAME is STATUS: REASON".
func (e *NotReadyError) Error() string {
	s := "plugin " + e.Plugin + " is " + e.Status
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap gives ErrUnavailable: trying again later may help.
func (e *NotReadyError) Unwrap() error { return ErrUnavailable }

// RetryAfter gives Again: nothing has reached the plugin, so the call can be made
// again.
func (e *NotReadyError) RetryAfter() time.Duration { return e.Again }

// CallError says how a call to a plugin failed.
type CallError struct {
	Plugin string
	Method string // "LocalityProbe.SampleRtt"
	Kind   error  // one of the Err… values of this package, or the caller's ctx error
	Detail string // what the plugin said
	// Again is when the plugin wants to be asked again; 0 if it did not say so.
	Again time.Duration
}

// Error gives "plugin NAME: METHOD: KIND: DETAIL".
func (e *CallError) Error() string {
	s := "plugin " + e.Plugin + ": " + e.Method + ": " + e.Kind.Error()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap gives the kind.
func (e *CallError) Unwrap() error { return e.Kind }

// RetryAfter gives Again. It is above 0 only for ErrUnavailable.
func (e *CallError) RetryAfter() time.Duration { return e.Again }
