package schema

import (
	"fmt"
	"strings"
)

// Mistake is one mistake of an operator.
type Mistake struct {
	Key  string // "weights.rtt", "ports[2]"; empty for the whole configuration
	Text string // without the key
}

// String returns the mistake as one line.
func (m Mistake) String() string {
	if m.Key == "" {
		return m.Text
	}
	return m.Key + ": " + m.Text
}

// Error holds every mistake of one configuration.
type Error struct {
	Mistakes []Mistake
}

// Error returns one line, however many mistakes there are.
func (e *Error) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		lines[i] = m.String()
	}
	if len(lines) == 1 {
		return "configuration: " + lines[0]
	}
	return fmt.Sprintf("configuration has %d mistakes: %s", len(lines), strings.Join(lines, "; "))
}

// FromAuthor makes an Error from what an author's Validate returned. Each joined error is
// a mistake of its own.
func FromAuthor(err error) *Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		out := &Error{}
		for _, e := range joined.Unwrap() {
			out.Mistakes = append(out.Mistakes, FromAuthor(e).Mistakes...)
		}
		return out
	}
	return &Error{Mistakes: []Mistake{{Text: err.Error()}}}
}
