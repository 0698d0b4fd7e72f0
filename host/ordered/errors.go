package ordered

import "fmt"

// NewerError means that a newer version of meshos wrote what this version can't read
// without losing some of it.
type NewerError struct {
	Dir  string
	What string // such as "the checkpoint"
}

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("%s: a newer version of meshos wrote %s, and this version would lose what was ordered; run the newer version, or move the folder away to begin without orders",
		e.Dir, e.What)
}

// UnavailableError means that an order can't be kept, so it is refused.
type UnavailableError struct{ Cause error }

// Error implements error.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("the node can't write to disk what is ordered, so it takes no orders; free space on the disk: %v", e.Cause)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }
