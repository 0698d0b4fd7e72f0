package sign

import "errors"

// UsageError is a mistake in what the operator asked for, such as a key that is not there.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake.
func (e *UsageError) Unwrap() error { return e.Err }

// errInterrupted does not wrap the context's error: for an operator an interrupted command
// is not a command that was carried out.
var errInterrupted = errors.New("interrupted: nothing was sent")
