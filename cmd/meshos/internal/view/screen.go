package view

import (
	"fmt"
	"strings"
)

// OnScreen draws a page over the one before it, cut to the height of the screen; 0 stands
// for a height that is not known.
func OnScreen(page string, height int) string {
	lines := strings.Split(strings.TrimSuffix(page, "\n"), "\n")
	if height > 1 && len(lines) > height-1 {
		hidden := len(lines) - (height - 2)
		lines = append(lines[:height-2], fmt.Sprintf("… %d more lines", hidden))
	}
	const home, clearLine, clearBelow = "\x1b[H", "\x1b[K\n", "\x1b[J"
	return WithoutWrap(home + strings.Join(lines, clearLine) + clearLine + clearBelow)
}

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
