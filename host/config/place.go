package config

import (
	"strconv"
	"strings"
)

// place is the path of a key, a table or a list item in a file, with separators that no
// key contains.
type place string

// deepest bounds a place, in bytes: whatever is below has the same place. Without a bound
// a file of brackets would fill the memory.
const deepest = 4 << 10

func (p place) key(name string) place { return p.below("\x1f" + name) }
func (p place) item(i int) place      { return p.below("\x1e" + strconv.Itoa(i)) }

func (p place) below(part string) place {
	if len(p) > deepest {
		return p
	}
	return p + place(part)
}

// findPlaces returns the line, from 1, of every key, table header and list item of a TOML
// text. If the text is not valid, the result is a guess.
func findPlaces(text string) map[place]int { return scan(text).found }

func scan(text string) *scanner {
	s := &scanner{text: text, line: 1, found: map[place]int{}, lists: map[place]int{}}
	var table place
	for {
		s.skipSpace(true)
		if s.done() {
			return s
		}
		if s.peek() == '[' {
			table = s.header()
			s.skipLine()
			continue
		}
		start := s.pos
		s.keyValue(table)
		s.skipLine()
		if s.pos == start { // this can't be a key
			s.next()
		}
	}
}

// scanner reads a TOML text and records the line of each place.
type scanner struct {
	text  string
	pos   int
	line  int
	found map[place]int
	lists map[place]int // [[headers]] so far
	// unclosed is the line in which a multi-line string begins that never ends; 0 if there
	// is none.
	unclosed int
	tooDeep  int // the line of the first key that is nested too deeply; 0 if there is none
}

func (s *scanner) done() bool { return s.pos >= len(s.text) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.pos]
}

func (s *scanner) next() {
	if s.peek() == '\n' {
		s.line++
	}
	s.pos++
}

func (s *scanner) starts(prefix string) bool { return strings.HasPrefix(s.text[s.pos:], prefix) }

// skip skips n bytes, or all that are left.
func (s *scanner) skip(n int) {
	for ; n > 0 && !s.done(); n-- {
		s.next()
	}
}

// skipSpace skips white space, and line ends and comments if lines is set.
func (s *scanner) skipSpace(lines bool) {
	for !s.done() {
		switch c := s.peek(); {
		case c == ' ' || c == '\t':
			s.next()
		case lines && (c == '\n' || c == '\r'):
			s.next()
		case lines && c == '#':
			s.skipLine()
		case s.pos == 0 && s.starts("\ufeff"):
			s.pos += len("\ufeff")
		default:
			return
		}
	}
}

func (s *scanner) skipLine() {
	for !s.done() && s.peek() != '\n' {
		s.next()
	}
}

// mark records the line of p when it is seen for the first time. The scan ends at a place
// that is nested too deeply, because it recurses as deep as the text is nested.
func (s *scanner) mark(p place, line int) {
	if len(p) > deepest && s.tooDeep == 0 {
		s.tooDeep, s.pos = line, len(s.text)
	}
	if _, known := s.found[p]; !known {
		s.found[p] = line
	}
}

// header reads "[a.b]" or "[[a.b]]" and returns the table that it opens. A part that
// names a list of tables means the last table of the list.
func (s *scanner) header() place {
	line := s.line
	s.next()
	list := s.peek() == '['
	if list {
		s.next()
	}
	names := s.dottedKey()
	var p place
	for i, name := range names {
		p = p.key(name)
		s.mark(p, line)
		last := i == len(names)-1
		if list && last {
			s.lists[p]++
		}
		if n := s.lists[p]; n > 0 && (list || !last) {
			p = p.item(n - 1)
			s.mark(p, line)
		}
	}
	return p
}

// keyValue reads "a.b = value" below table.
func (s *scanner) keyValue(table place) {
	line := s.line
	p := table
	for _, name := range s.dottedKey() {
		p = p.key(name)
		s.mark(p, line)
	}
	if s.peek() != '=' {
		return
	}
	s.next()
	s.value(p)
}

// dottedKey reads the parts of a key, up to the first byte that is not part of it.
func (s *scanner) dottedKey() []string {
	var names []string
	for {
		s.skipSpace(false)
		start := s.pos
		if c := s.peek(); c == '"' || c == '\'' {
			names = append(names, s.quoted(c))
		} else {
			for !s.done() && !strings.ContainsRune(" \t\r\n.=]}[{,#\"'", rune(s.peek())) {
				s.next()
			}
			if s.pos == start {
				return names
			}
			names = append(names, s.text[start:s.pos])
		}
		s.skipSpace(false)
		if s.peek() != '.' {
			return names
		}
		s.next()
	}
}

// value reads one value and marks the places in it.
func (s *scanner) value(p place) {
	s.skipSpace(false)
	switch c := s.peek(); c {
	case '"', '\'':
		s.quoted(c)
	case '[':
		s.list(p)
	case '{':
		s.inlineTable(p)
	default:
		for !s.done() && !strings.ContainsRune(",]}#\n", rune(s.peek())) {
			s.next()
		}
	}
}

func (s *scanner) list(p place) {
	s.next()
	for i := 0; ; {
		s.skipSpace(true)
		switch s.peek() {
		case ']':
			s.next()
			return
		case ',':
			s.next()
			i++
			continue
		}
		if s.done() {
			return
		}
		start := s.pos
		s.mark(p.item(i), s.line)
		s.value(p.item(i))
		if s.pos == start {
			s.next()
		}
	}
}

func (s *scanner) inlineTable(p place) {
	s.next()
	for {
		s.skipSpace(true)
		switch s.peek() {
		case '}':
			s.next()
			return
		case ',':
			s.next()
			continue
		}
		if s.done() {
			return
		}
		start := s.pos
		s.keyValue(p)
		if s.pos == start {
			s.next()
		}
	}
}
