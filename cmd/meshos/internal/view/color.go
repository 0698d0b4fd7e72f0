package view

import (
	"strings"
	"unicode"
)

// Style is what a text means. A terminal shows it as a color.
type Style int

// The styles.
const (
	Ordinary Style = iota
	Faint
	Strong
	Good
	Warning
	Bad
	Found // by a search
)

// Color is true if text may contain the escape sequences of colors.
type Color bool

// Apply returns text in a style.
func (c Color) Apply(s Style, text string) string {
	if !bool(c) || s == Ordinary || text == "" {
		return text
	}
	code := map[Style]string{Faint: "2", Strong: "1", Good: "32", Warning: "33", Bad: "31", Found: "7"}[s]
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Plain makes text from elsewhere harmless: it replaces characters that could steer a
// terminal or break a line.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, s)
}
