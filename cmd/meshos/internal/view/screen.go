package view

import "fmt"

// WithoutWrap makes a terminal cut the lines of text that are too long for it, instead of
// giving them a second row.
func WithoutWrap(text string) string { return "\x1b[?7l" + text + "\x1b[?7h" }

// Erase removes the last rows of a terminal, so that text can take their place.
func Erase(rows int) string {
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dF\x1b[J", rows)
}
