package segment

import "fmt"

// DamageError is a file that is not valid from some place on.
type DamageError struct {
	File   string // as the caller named it
	Offset int64  // of the first byte that is not valid
	Number uint64 // of the record there; 0 when it is the header
	// Torn means that the file ends in the middle of a record, as after a loss of power, and
	// that nothing stands behind it.
	Torn  bool
	Cause error
}

// Error implements error.
func (e *DamageError) Error() string {
	what := "its header"
	if e.Number > 0 {
		what = fmt.Sprintf("record %d", e.Number)
	}
	how := "damaged"
	if e.Torn {
		how = "torn"
	}
	return fmt.Sprintf("%s is %s at offset %d, in %s: %v", e.File, how, e.Offset, what, e.Cause)
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Cause }
