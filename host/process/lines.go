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
	Lines{Max: maxLine, Each: each}.Read(r)
}

// Lines reads lines as ReadLines does, for somebody who does not want all of them.
type Lines struct {
	Max  int
	Each func(line string, cut bool)
	// Wanted reports whether the next line is wanted; nil for always. Lines that are not
	// wanted cost next to nothing.
	Wanted func() bool
	// Skipped, which Wanted needs, is called with the number of lines that were not wanted, and
	// with the last one of them that is not blank, if there is one. It is valid during the call
	// only.
	Skipped func(n int, last []byte)
	// Begin is what was read before.
	Begin []byte
	// Buffer is how many bytes are read at once; 0 for few.
	Buffer int
}

// Read reads until r ends or fails.
func (o Lines) Read(r io.Reader) {
	l := lineReader{Lines: o}
	l.Max = max(o.Max, 1)
	if o.Wanted == nil {
		l.Wanted = func() bool { return true }
	}
	l.feed(o.Begin)
	buf := make([]byte, max(4096, o.Buffer))
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
	Lines
	line []byte // the line so far
	cut  bool   // it was delivered cut, and its rest is dropped
}

// feed adds what was read next.
func (l *lineReader) feed(b []byte) {
	for len(b) > 0 {
		if !l.Wanted() {
			b = l.skip(b)
		}
		part, rest, complete := bytes.Cut(b, []byte{'\n'})
		b = rest
		if !l.cut {
			free := l.Max + 2 - len(l.line) // two more, to see what follows a \r
			l.line = append(l.line, part[:min(free, len(part))]...)
			if n := len(l.line) - l.Max; n > 1 || n == 1 && l.line[l.Max] != '\r' {
				l.deliverCut()
			}
		}
		if complete {
			l.deliver()
		}
	}
}

// skip counts the lines that end in b, and returns the beginning of the one that does not.
func (l *lineReader) skip(b []byte) []byte {
	end := bytes.LastIndexByte(b, '\n') + 1
	if end == 0 {
		return b
	}
	n, lines := bytes.Count(b[:end], []byte{'\n'}), b[:end-1]
	if l.cut { // its beginning was delivered
		n--
	}
	last := bytes.TrimRight(lines, " \t\r\n")
	if i := bytes.LastIndexByte(last, '\n'); i >= 0 {
		last = last[i+1:]
	} else if !l.cut {
		l.line = append(l.line, last[:min(len(last), l.Max)]...)
		last = l.line
	} else {
		last = nil
	}
	if n > 0 {
		l.Skipped(n, last)
	}
	l.line, l.cut = l.line[:0], false
	return b[end:]
}

// deliver delivers a whole line, unless it was delivered cut.
func (l *lineReader) deliver() {
	if !l.cut {
		l.emit(bytes.TrimSuffix(l.line, []byte{'\r'}), false)
	}
	l.line, l.cut = l.line[:0], false
}

// deliverCut delivers the beginning of a line that is too long.
func (l *lineReader) deliverCut() {
	l.emit(cutRune(l.line[:l.Max]), true)
	l.cut = true
}

// emit delivers a line if it is wanted.
func (l *lineReader) emit(line []byte, cut bool) {
	if l.Wanted() {
		l.Each(text(line), cut)
		return
	}
	l.Skipped(1, line)
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
