package segment

import "fmt"

// DamageError says where a file stops being believed.
type DamageError struct {
	File   string // as the caller named it
	Offset int64  // where the first bytes stand that are not believed
	Number uint64 // of the record there; 0 when it is the header
	// Torn says that the file ends in the middle of a record, as after a loss of
	// power, and that nothing stands behind it.
	Torn bool
	// Cause says what is wrong.
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

// Unwrap gives the cause.
func (e *DamageError) Unwrap() error { return e.Cause }
