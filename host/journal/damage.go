package journal

import "fmt"

// DamageError reports where a journal is damaged. Nothing from there on was replayed.
type DamageError struct {
	File    string
	Line    int    // from 1; 0 if the file as a whole is damaged
	Problem string // what is wrong
	Hint    string // what to do about it; may be ""
}

// Error returns "FILE:LINE: PROBLEM", with the hint on a second line.
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
