package envfile

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong with a file.
type Error struct {
	Line int // from 1
	What string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("line %d %s", e.Line, e.What) }

// Parse returns the variables of a file. The error is an *Error.
func Parse(text string) (map[string]string, error) {
	p := parser{rest: strings.TrimPrefix(text, "\ufeff"), line: 1}
	if at := strings.IndexFunc(text, func(r rune) bool { return r == 0 }); at >= 0 {
		return nil, &Error{Line: 1 + strings.Count(text[:at], "\n"), What: "has a NUL character"}
	}
	if at := invalid(text); at >= 0 {
		return nil, &Error{Line: 1 + strings.Count(text[:at], "\n"), What: "is not UTF-8"}
	}
	out := make(map[string]string)
	for {
		p.skipBlanks("\r\n")
		if p.rest == "" {
			return out, nil
		}
		if c := p.rest[0]; c == '#' || c == ';' {
			p.restOfLine()
			continue
		}
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		if out[key], err = p.value(); err != nil {
			return nil, err
		}
	}
}

// Valid reports whether a text can be the value of a variable.
func Valid(text string) bool { return !strings.ContainsRune(text, 0) && utf8.ValidString(text) }

// invalid returns where a text is not UTF-8; -1 if it is.
func invalid(text string) int {
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return i
		}
	}
	return -1
}

type parser struct {
	rest string
	line int // of the beginning of rest
}

func (p *parser) fail(what string) error { return &Error{Line: p.line, What: what} }

// take takes the next n bytes.
func (p *parser) take(n int) string {
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	p.line += strings.Count(taken, "\n")
	return taken
}

func (p *parser) skipBlanks(more string) {
	p.take(len(p.rest) - len(strings.TrimLeft(p.rest, " \t"+more)))
}

// restOfLine takes what is left of the line, without its end.
func (p *parser) restOfLine() string {
	end := strings.IndexByte(p.rest, '\n')
	if end < 0 {
		return p.take(len(p.rest))
	}
	line := p.take(end + 1)
	return strings.TrimSuffix(line, "\n")
}

// key takes a key and the = behind it.
func (p *parser) key() (string, error) {
	line, _, _ := strings.Cut(p.rest, "\n")
	name, _, found := strings.Cut(line, "=")
	if !found {
		return "", p.fail("is not KEY=VALUE")
	}
	key := strings.TrimSpace(name)
	if exported, ok := strings.CutPrefix(key, "export"); ok && strings.TrimLeft(exported, " \t") != exported {
		key = strings.TrimSpace(exported)
	}
	for i := range len(key) {
		c := key[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			key = ""
			break
		}
	}
	if key == "" {
		return "", p.fail("does not begin with the name of a variable: letters, digits and underscores")
	}
	p.take(len(name) + 1)
	return key, nil
}

func (p *parser) value() (string, error) {
	p.skipBlanks("")
	begin := p.line
	switch {
	case strings.HasPrefix(p.rest, "'"):
		p.take(1)
		end := strings.IndexByte(p.rest, '\'')
		if end < 0 {
			return "", &Error{Line: begin, What: "has a ' that nothing closes"}
		}
		value := p.take(end)
		p.take(1)
		return value, p.nothingMore()
	case strings.HasPrefix(p.rest, `"`):
		p.take(1)
		value, closed := p.quoted()
		if !closed {
			return "", &Error{Line: begin, What: `has a " that nothing closes`}
		}
		return value, p.nothingMore()
	}
	value := strings.TrimRight(p.restOfLine(), " \t\r")
	if strings.HasSuffix(value, `\`) {
		return "", &Error{Line: begin, What: "ends in a backslash: put the value in single quotes if it belongs to it, or in double quotes if the next line does"}
	}
	return value, nil
}

// quoted takes a value up to the closing double quote.
func (p *parser) quoted() (value string, closed bool) {
	var b strings.Builder
	for p.rest != "" {
		c := p.take(1)
		switch {
		case c == `"`:
			return b.String(), true
		case c != `\` || p.rest == "":
			b.WriteString(c)
		case strings.ContainsAny(p.rest[:1], "\"\\$`"):
			b.WriteString(p.take(1))
		case strings.HasPrefix(p.rest, "\n"):
			p.take(1)
		case strings.HasPrefix(p.rest, "\r\n"):
			p.take(2)
		default:
			b.WriteString(c)
		}
	}
	return "", false
}

// nothingMore takes the rest of a line behind a closing quote.
func (p *parser) nothingMore() error {
	line := p.line
	if strings.Trim(p.restOfLine(), " \t\r") != "" {
		return &Error{Line: line, What: "has something behind the closing quote"}
	}
	return nil
}
