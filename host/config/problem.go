package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing about the file that a person has to know.
type Problem struct {
	File    string
	Line    int    // from 1; 0 when it is about the file as a whole
	Key     string // "loop.tick_interval"; empty when it is about no key
	Message string // what is wrong
	Hint    string // what to do about it; may be empty
}

// String gives one line, and a second one with the hint.
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

// Report is the error of a configuration with mistakes: all of them.
type Report struct {
	Problems []Problem // at least one, sorted by line
	Warnings []Problem

	cause error
}

// Unwrap returns what kept the file from being read, such as fs.ErrNotExist, or nil if
// it was read.
func (r *Report) Unwrap() error { return r.cause }

// Error lists all problems, each with its remedy on a second line.
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
