package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is a mistake in the file, or a warning about it.
type Problem struct {
	File    string
	Line    int    // from 1; 0 if it is about the file as a whole
	Key     string // such as "loop.tick_interval"; empty if it is not about a key
	Message string // what is wrong
	Hint    string // what to do about it; may be empty
}

// String returns one line, and a second one with the hint if there is one.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("\n    " + p.Hint)
	}
	return b.String()
}

// Report is the error for a configuration with mistakes. It has all of them.
type Report struct {
	Problems []Problem // at least one, sorted by line
	Warnings []Problem

	cause error
}

// Unwrap returns why the file could not be read, such as fs.ErrNotExist, or nil if it was
// read.
func (r *Report) Unwrap() error { return r.cause }

// Error lists all problems, each with its hint on a second line.
func (r *Report) Error() string {
	var b strings.Builder
	for i, p := range r.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Message, b.Message))
	})
}
