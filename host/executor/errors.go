package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxReason bounds the reason of an outcome, in bytes, since it may come from a plugin
// and goes into records.
const maxReason = 1024

// TimeoutError means that an action was not done by its deadline.
type TimeoutError struct {
	Kind    string
	Allowed time.Duration // from when it was begun to the deadline
	Err     error         // that its dispatcher returned after the deadline, if any
}

// Error implements error.
func (e *TimeoutError) Error() string {
	text := fmt.Sprintf("%s was not done within action_timeout (%v)", e.Kind, e.Allowed)
	if e.Err != nil && !errors.Is(e.Err, context.DeadlineExceeded) {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the dispatcher's error.
func (e *TimeoutError) Unwrap() error { return e.Err }

// GatedError means that an action was not tried because a gate was closed.
type GatedError struct {
	Kind   string
	Reason string        // begins with the stable name of the gate
	For    time.Duration // how long the gate stays closed
}

// Error implements error.
func (e *GatedError) Error() string {
	return fmt.Sprintf("not carried out: %s is gated by %s", e.Kind, e.Reason)
}

// DeferLimitError means that an action was deferred more often than max_defers allows.
type DeferLimitError struct {
	Kind  string
	Times int
	Limit int
	Err   error // why it was deferred the last time
}

// Error implements error.
func (e *DeferLimitError) Error() string {
	return fmt.Sprintf("given up: %s was deferred %d times, max_defers allows %d; the last time: %v",
		e.Kind, e.Times, e.Limit, e.Err)
}

// Unwrap returns why it was deferred the last time.
func (e *DeferLimitError) Unwrap() error { return e.Err }

// ShutdownError means that an action was not done because the node ends.
type ShutdownError struct {
	Kind    string
	Started bool  // it was under way; false: it waited
	Err     error // that its dispatcher returned in the end, or why it was deferred, if any
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

// Unwrap returns Err.
func (e *ShutdownError) Unwrap() error { return e.Err }

// StuckError means that an action was not begun because the dispatch of an earlier one
// on the same thing has still not returned.
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

// LeftBehindError means that dispatches did not return although their contexts had
// ended.
type LeftBehindError struct{ What []string }

// Error implements error.
func (e *LeftBehindError) Error() string {
	return fmt.Sprintf("%d calls did not return at the end of the node: %s", len(e.What), strings.Join(e.What, ", "))
}

// reasonOf returns an error's text as an outcome carries it: valid UTF-8, and bounded.
func reasonOf(err error) string {
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason-len("…")], "") + "…"
	}
	return text
}
