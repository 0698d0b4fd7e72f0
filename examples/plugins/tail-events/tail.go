package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/hashicorp/go-hclog"
)

// Bounds of what is read at a time.
const (
	maxLine  = 1 << 20  // a longer line is skipped
	maxLines = 256      // in one read
	chunk    = 64 << 10 // of the file
)

// line is one line of the file, without its end.
type line struct {
	number int64 // from 1
	text   []byte
	long   bool // more than maxLine: the text is cut
}

// tail reads a file that grows and is rotated. It holds no goroutine and never
// waits: read gives what there is.
type tail struct {
	path string
	log  hclog.Logger

	file  *os.File // nil while there is none
	at    place    // the end of the last whole line that read gave
	part  []byte   // of the line after it
	long  bool     // part was cut
	taken int64    // bytes after at that were read
	buf   []byte   // for reading

	leaving bool // the file was rotated away, and had no more to say at the last look
	missing bool // it was said that there is no file
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was only read
		t.file = nil
	}
}

// begin opens the file where an earlier process was, or, without was, at its begin
// or its end. A file that is not there yet is waited for.
func (t *tail) begin(was *place, atEnd bool) error {
	if was != nil {
		if f := was.find(t.path); f != nil {
			t.take(f, *was)
			return nil
		}
		t.log.Warn("the file that was read last is gone or is another one: what was added to it since is lost; the present one is read from its begin",
			"path", t.path, "last_line", was.Line)
		return t.open()
	}
	if err := t.open(); err != nil || t.file == nil || !atEnd {
		return err
	}
	for {
		lines, err := t.read()
		if err != nil || len(lines) == 0 {
			return err
		}
	}
}

func (t *tail) take(f *os.File, at place) {
	t.close()
	t.file, t.at = f, at
	t.part, t.long, t.taken, t.leaving, t.missing = nil, false, 0, false, false
}

// open opens the file at path from its begin; there may be none yet.
func (t *tail) open() error {
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		if !t.missing {
			t.missing = true
			t.log.Info("there is no file yet", "path", t.path)
		}
		return nil
	}
	if err != nil {
		return err
	}
	id, err := identity(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	t.take(f, id)
	return nil
}

// read returns the lines that were added, up to maxLines; none when there are none
// now. A line counts once its end is there.
func (t *tail) read() ([]line, error) {
	if t.file == nil {
		if err := t.open(); err != nil || t.file == nil {
			return nil, err
		}
	}
	if t.buf == nil {
		t.buf = make([]byte, chunk)
	}
	var out []line
	for len(out) < maxLines {
		n, err := t.file.ReadAt(t.buf, t.at.Offset+t.taken)
		if n > 0 {
			t.leaving = false
			out = t.split(out, t.buf[:n])
			continue
		}
		if !errors.Is(err, io.EOF) {
			return out, fmt.Errorf("read %s: %w", t.path, err)
		}
		if len(out) > 0 {
			break // first these, then what is to be done about the file
		}
		last, err := t.turn()
		return append(out, last...), err
	}
	t.at.stamp(t.file)
	return out, nil
}

// split adds the whole lines in b, up to maxLines.
func (t *tail) split(out []line, b []byte) []line {
	for len(b) > 0 && len(out) < maxLines {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			t.keep(b)
			break
		}
		t.keep(b[:i])
		t.taken++
		out = append(out, t.finish())
		b = b[i+1:]
	}
	return out
}

func (t *tail) keep(b []byte) {
	t.taken += int64(len(b))
	if room := maxLine - len(t.part); len(b) > room {
		b, t.long = b[:room], true
	}
	t.part = append(t.part, b...)
}

// finish makes a line of what was kept.
func (t *tail) finish() line {
	t.at.Offset += t.taken
	t.at.Line++
	l := line{number: t.at.Line, text: t.part, long: t.long}
	t.part, t.long, t.taken = nil, false, 0
	return l
}

// turn is for when there is no more to read: was the file cut short, or is there
// another one at its path? It leaves a file only when there was nothing more twice,
// since its writer may need a moment to leave it too. A last line without an end
// is one then.
func (t *tail) turn() ([]line, error) {
	info, err := t.file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < t.at.Offset {
		t.log.Warn("the file was cut short and is read from its begin", "path", t.path, "line", t.at.Line)
		t.at = place{Device: t.at.Device, Inode: t.at.Inode}
		t.part, t.long, t.taken = nil, false, 0
		return nil, nil
	}
	next, err := os.Open(t.path)
	if err != nil {
		return nil, nil // not there yet, or not to be read: the old one is all there is
	}
	id, err := identity(next)
	if err != nil || id.same(t.at) {
		return nil, next.Close()
	}
	if !t.leaving {
		t.leaving = true
		return nil, next.Close()
	}
	var last []line
	if t.taken > 0 {
		last = append(last, t.finish())
	}
	t.log.Info("the file was rotated: on with the new one", "path", t.path, "lines", t.at.Line)
	t.take(next, id)
	return last, nil
}
