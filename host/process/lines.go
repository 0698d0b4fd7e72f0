package process

import (
	"bytes"
	"io"
	"strings"
)

// ReadLines calls each for every line of r until r ends or fails. A line longer than maxLine
// bytes is delivered once, cut and with cut true, as soon as its length is known; the rest of
// it is dropped, so that memory is bounded. Lines have no line end, and bytes that are not
// UTF-8 are replaced by U+FFFD.
func ReadLines(r io.Reader, maxLine int, each func(line string, cut bool)) {
	l := lineReader{max: max(maxLine, 1), each: each}
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		l.feed(buf[:n])
		if err != nil {
			l.end()
			return
		}
	}
}

// lineReader assembles lines from what was read.
type lineReader struct {
	max  int
	each func(line string, cut bool)
	line []byte // the line so far
	cut  bool   // it was delivered cut, and its rest is dropped
}

// feed adds what was read next.
func (l *lineReader) feed(b []byte) {
	for len(b) > 0 {
		part, rest, complete := bytes.Cut(b, []byte{'\n'})
		b = rest
		if !l.cut {
			free := l.max + 2 - len(l.line) // two more, to see what follows a \r
			l.line = append(l.line, part[:min(free, len(part))]...)
			if n := len(l.line) - l.max; n > 1 || n == 1 && l.line[l.max] != '\r' {
				l.deliverCut()
			}
		}
		if complete {
			l.deliver()
		}
	}
}

// deliver delivers a whole line, unless it was delivered cut.
func (l *lineReader) deliver() {
	if !l.cut {
		l.each(text(bytes.TrimSuffix(l.line, []byte{'\r'})), false)
	}
	l.line, l.cut = l.line[:0], false
}

// deliverCut delivers the beginning of a line that is too long.
func (l *lineReader) deliverCut() {
	l.each(text(cutRune(l.line[:l.max])), true)
	l.cut = true
}

// end delivers a last line that has no line end.
func (l *lineReader) end() {
	if len(l.line) > 0 && !l.cut {
		l.deliver()
	}
}

// text returns b as valid UTF-8.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// cutRune removes an incomplete character at the end of b.
func cutRune(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i >= len(b)-3; i-- {
		switch {
		case b[i] < 0x80: // a character of one byte: nothing was cut
			return b
		case b[i] >= 0xC0: // the first byte of one of 2, 3 or 4
			need := 2
			if b[i] >= 0xE0 {
				need++
			}
			if b[i] >= 0xF0 {
				need++
			}
			if len(b)-i < need {
				return b[:i]
			}
			return b
		}
	}
	return b
}
