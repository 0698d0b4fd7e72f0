// Package plaintext makes text from outside of the host fit for a terminal, a log line
// and a record.
//
// It does not judge the text and does not translate it: it only takes away what could
// move a cursor, break a line or fill a disk.
package plaintext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns s as valid UTF-8 on one line, without control characters except tabs,
// and with at most limit bytes. A text that was cut ends in " …", which is not counted.
func Clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case r != '\t' && unicode.IsControl(r):
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + " …"
}
