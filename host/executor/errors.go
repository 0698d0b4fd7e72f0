package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxReason bounds the reason of an outcome, in bytes: it may come from a plugin
// and ends up in records.
const maxReason = 1024

// TimeoutError says that an action was not done by its deadline.
type TimeoutError struct {
	Kind    string
	Allowed time.Duration // from when it was begun to the deadline
	Err     error         // what its dispatcher said after the deadline, if anything
}

// Error implements error.
func (e *TimeoutError) Error() string {
	text := fmt.Sprintf("%s was not done within action_timeout (%v)", e.Kind, e.Allowed)
	if e.Err != nil && !errors.Is(e.Err, context.DeadlineExceeded) {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives what its dispatcher said.
func (e *TimeoutError) Unwrap() error { return e.Err }

// GatedError says that an action was not tried because a gate was closed.
type GatedError struct {
	Kind   string
	Reason string        // begins with the stable name of the gate
	For    time.Duration // how long the gate stays closed
}

// Error implements error.
func (e *GatedError) Error() string {
	return fmt.Sprintf("not carried out: %s is gated by %s", e.Kind, e.Reason)
}

// PutOffError says that an action was put off more often than max_defers allows.
type PutOffError struct {
	Kind  string
	Times int
	Limit int
	Err   error // why it was put off the last time
}

// Error implements error.
func (e *PutOffError) Error() string {
	return fmt.Sprintf("given up: %s was put off %d times, max_defers allows %d; the last time: %v",
		e.Kind, e.Times, e.Limit, e.Err)
}

// Unwrap gives why it was put off the last time.
func (e *PutOffError) Unwrap() error { return e.Err }

// ShutdownError says that an action was not done because the node ends.
type ShutdownError struct {
	Kind    string
	Started bool  // it was under way; false: it waited
	Err     error // what its dispatcher said in the end, or why it was put off, if anything
}

// Error implements error.
func (e *ShutdownError) Error() string {
	text := "not carried out: the node is shutting down"
	if e.Started {
		text = e.Kind + " was not finished: the node is shutting down"
	}
	if e.Err != nil && !errors.Is(e.Err, context.Canceled) {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives Err.
func (e *ShutdownError) Unwrap() error { return e.Err }

// PanicError says that a dispatcher panicked.
type PanicError struct {
	Kind  string
	Value any
}

// Error implements error.
func (e *PanicError) Error() string {
	return fmt.Sprintf("the dispatcher of %s panicked: %v", e.Kind, e.Value)
}

// StuckError says that an earlier action on the same subject has still not
// returned, so that this one was not begun.
type StuckError struct {
	Kind    string
	Subject string // "daemon 7"
	Earlier string // kind of the action that hangs
	For     time.Duration
}

// Error implements error.
func (e *StuckError) Error() string {
	return fmt.Sprintf("not carried out: %s on %s would overtake %s, which has not returned for %v",
		e.Kind, e.Subject, e.Earlier, e.For.Round(time.Millisecond))
}

// LeftBehindError says that dispatches did not return although their contexts
// had ended.
type LeftBehindError struct{ What []string }

// Error implements error.
func (e *LeftBehindError) Error() string {
	return fmt.Sprintf("%d dispatches did not return at the end of the node: %s", len(e.What), strings.Join(e.What, ", "))
}

// reasonOf gives an error's text as a record can carry it.
func reasonOf(err error) string {
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason-len("…")], "") + "…"
	}
	return text
}
