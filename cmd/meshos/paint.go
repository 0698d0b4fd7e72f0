package main

import (
	"strings"
	"unicode"
)

// style is what a text means, shown as a colour where there are any.
type style int

const (
	ordinary style = iota
	faint
	strong
	good
	warning
	bad
)

// paint says whether there are colours.
type paint bool

// in gives text in a style.
func (p paint) in(s style, text string) string {
	if !bool(p) || s == ordinary || text == "" {
		return text
	}
	code := map[style]string{faint: "2", strong: "1", good: "32", warning: "33", bad: "31"}[s]
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// plain makes text from elsewhere harmless: what could steer a terminal, or break
// a line, is shown instead of sent.
func plain(s string) string {
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
