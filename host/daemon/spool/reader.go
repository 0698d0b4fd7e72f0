package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Position is a place in a spool. The zero value is the beginning.
type Position struct {
	Segment uint64
	Offset  int64
}

// Before reports whether a position is before another one.
func (p Position) Before(q Position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

// Reader reads line after line. It is for one goroutine.
type Reader struct {
	dir  string
	full int64
	at   Position // behind the last line that was returned
	file *os.File // nil until the segment exists
	buf  []byte   // read and not returned
	lost bool     // a Note about lost lines comes next
	gone bool     // next found no segment at all
}

// chunk is how much is read at once; the longest line is shorter.
const chunk = 32 << 10

// NewReader returns a reader that begins at a position. Close it.
func NewReader(dir string, at Position) *Reader { return newReader(dir, at, SegmentSize) }

func newReader(dir string, at Position, full int64) *Reader {
	return &Reader{dir: dir, full: full, at: at}
}

// Position returns the place behind the last line that Next returned.
func (r *Reader) Position() Position { return r.at }

// Close closes the file.
func (r *Reader) Close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

// Next returns the next line, and false if there is none for now. If lines were dropped before
// they were read, it returns one Note in their place.
func (r *Reader) Next() (line Line, ok bool, err error) {
	for {
		if r.lost {
			r.lost = false
			return Line{At: time.Now(), Stream: Note, Text: "output was lost: it is older than the files that are kept"}, true, nil
		}
		if end := bytes.IndexByte(r.buf, '\n'); end >= 0 {
			line, ok = parse(r.buf[:end])
			if r.buf = r.buf[end+1:]; len(r.buf) == 0 {
				r.buf = nil // a daemon that is silent takes no memory
			}
			r.at.Offset += int64(end) + 1
			if ok {
				return line, true, nil
			}
			continue
		}
		more, err := r.fill()
		if err != nil || !more {
			return Line{}, false, err
		}
	}
}

// fill reads more into the buffer, and reports whether there was more.
func (r *Reader) fill() (more bool, err error) {
	if r.file == nil {
		if more, err = r.open(); !more {
			return false, err
		}
	}
	if more, err = r.read(); more || err != nil {
		return more, err
	}
	next, err := r.next()
	if next == 0 || err != nil {
		if err == nil && r.gone { // a file that is open keeps its folder from being reported as removed
			r.Close()
			r.buf, r.at = nil, Position{}
		}
		return false, err
	}
	// The writer was done with this segment when it began the next one, but perhaps not yet
	// when read found its end above.
	if more, err = r.read(); more || err != nil {
		return more, err
	}
	r.Close()
	r.buf = nil
	r.lost = next != r.at.Segment+1
	r.at = Position{Segment: next}
	return true, nil
}

// read reads from the position on, and reports whether there is more than before. The beginning of
// a line is read again with its end: a writer whose disk is full takes back what it could write of
// a line, and then writes another one there.
func (r *Reader) read() (more bool, err error) {
	if len(r.buf) >= 2*chunk { // no line is that long
		r.at.Offset += int64(len(r.buf))
		r.buf = nil
	}
	info, err := r.file.Stat()
	if err != nil {
		return false, fmt.Errorf("output: %w", err)
	}
	there := max(0, info.Size()-r.at.Offset)
	if there == 0 {
		r.buf = nil
		return false, nil
	}
	into := make([]byte, min(2*chunk, there))
	n, err := r.file.ReadAt(into, r.at.Offset)
	more = n > len(r.buf) || bytes.IndexByte(into[:n], '\n') >= 0
	r.buf = into[:n]
	if err != nil && !errors.Is(err, io.EOF) {
		return more, fmt.Errorf("output: %w", err)
	}
	return more, nil
}

// open opens the segment of the position, or the oldest one behind it.
func (r *Reader) open() (bool, error) {
	f, err := os.Open(segmentPath(r.dir, r.at.Segment))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		next, err := r.next()
		if err == nil && next == 0 && r.at.Segment > 0 { // the folder was removed and made anew
			r.at = Position{}
			return r.open()
		}
		if next == 0 || err != nil {
			return false, err
		}
		followed := next == r.at.Segment+1 && r.at.Offset >= r.full
		r.lost = r.at != Position{} && !followed
		r.at = Position{Segment: next}
		return r.open()
	case err != nil:
		return false, fmt.Errorf("output: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return false, fmt.Errorf("output: %w", err)
	}
	if info.Size() < r.at.Offset { // the folder was removed and made anew
		r.at.Offset = 0
	}
	r.file = f
	return true, nil
}

// next returns the oldest segment behind the one that is read; 0 for none.
func (r *Reader) next() (uint64, error) {
	have, err := segments(r.dir)
	r.gone = len(have) == 0
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, s := range have {
		if s > r.at.Segment {
			return s, nil
		}
	}
	return 0, nil
}
