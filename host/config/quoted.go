package config

import (
	"strings"

	"github.com/BurntSushi/toml"
)

// quoted reads a string in any of TOML's four forms and returns its value.
func (s *scanner) quoted(quote byte) string {
	start, line := s.pos, s.line
	triple := strings.Repeat(string(quote), 3)
	end := string(quote)
	if s.starts(triple) {
		end = triple
	}
	s.skip(len(end))
	for !s.done() && !s.starts(end) {
		if s.peek() == '\n' && len(end) == 1 {
			return s.text[start+1 : s.pos] // the string was never closed
		}
		if quote == '"' && s.peek() == '\\' {
			s.next()
		}
		s.next()
	}
	if s.done() && len(end) == 3 {
		s.unclosed = line
	}
	s.skip(len(end))
	for extra := 0; len(end) == 3 && extra < 2 && s.peek() == quote; extra++ {
		s.next() // a multi-line string may end in up to two more quotes
	}
	return unquoted(s.text[start:min(s.pos, len(s.text))])
}

// unquoted returns the value of a string literal. Only one with escapes needs a parser.
func unquoted(literal string) string {
	if strings.Contains(literal, `\`) && literal[0] == '"' {
		var doc struct{ V string }
		if _, err := toml.Decode("V = "+literal, &doc); err == nil {
			return doc.V
		}
	}
	return strings.Trim(literal, literal[:1])
}
