package journal

import "fmt"

// DamageError is a journal that can't be believed, with the place: nothing from
// there on was replayed.
type DamageError struct {
	File    string
	Line    int    // from 1; 0 when it is about the file as a whole
	Problem string // what is wrong
	Hint    string // what to do about it; may be empty
}

// Error gives "FILE:LINE: PROBLEM", and the hint on a second line.
func (e *DamageError) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Hint == "" {
		return place + ": " + e.Problem
	}
	return place + ": " + e.Problem + "\n    " + e.Hint
}
