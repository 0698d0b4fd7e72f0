package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// errLineTooLong is the error about a line that is longer than MaxLine.
var errLineTooLong = fmt.Errorf("the line is longer than %d MiB", MaxLine>>20)

// lines reads a file line by line, in memory bounded by the longest line.
type lines struct {
	from *bufio.Reader
	max  int
	buf  []byte
	n    int // number of the line read last, from 1
}

func newLines(r io.Reader) *lines { return &lines{from: bufio.NewReaderSize(r, 64<<10), max: MaxLine} }

// next returns the next line without its newline, which the last line need not have. The
// line is valid until the next call. At the end next returns io.EOF.
func (l *lines) next() (line []byte, err error) {
	l.buf = l.buf[:0]
	l.n++
	for {
		part, err := l.from.ReadSlice('\n')
		if len(l.buf)+len(part) > l.max {
			return nil, errLineTooLong
		}
		l.buf = append(l.buf, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(l.buf, []byte("\n")), nil
		case errors.Is(err, io.EOF) && len(l.buf) > 0:
			return l.buf, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// last reports whether the line read last is the last one of the file.
func (l *lines) last() bool {
	_, err := l.from.Peek(1)
	return errors.Is(err, io.EOF)
}
