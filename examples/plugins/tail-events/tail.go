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

// Limits of what is read at a time.
const (
	maxLine  = 1 << 20  // a longer line is skipped
	maxLines = 256      // in one read
	chunk    = 64 << 10 // of the file
)

// line is one line of the file, without its newline.
type line struct {
	number int64 // from 1
	text   []byte
	long   bool // more than maxLine: the text is cut
}

// tail reads a file that grows and is rotated. It has no goroutine and never waits: read
// returns what is there.
type tail struct {
	path string
	log  hclog.Logger

	file  *os.File // nil while there is none
	at    position // the end of the last line that read returned
	part  []byte   // of the line after it
	long  bool     // part was cut
	taken int64    // bytes after at that were read
	buf   []byte   // for reading

	leaving bool // the file was rotated, and had nothing more at the last read
	missing bool // it was logged that there is no file
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was opened for reading only
		t.file = nil
	}
}

// start opens the file at the position of an earlier process or, if was is nil, at its
// beginning or its end. The file may be missing; then read opens it later.
func (t *tail) start(was *position, atEnd bool) error {
	if was != nil {
		if f := was.find(t.path); f != nil {
			t.follow(f, *was)
			return nil
		}
		t.log.Warn("the file that was read last is gone or was replaced: what was added to it since is lost; the current file is read from its beginning",
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

func (t *tail) follow(f *os.File, at position) {
	t.close()
	t.file, t.at = f, at
	t.part, t.long, t.taken, t.leaving, t.missing = nil, false, 0, false, false
}

// open opens the file at path at its beginning. The file may be missing.
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
	t.follow(f, id)
	return nil
}

// read returns the lines that were added, at most maxLines. A line counts once its newline
// is there.
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
			break // return these first; the next read looks at the file
		}
		last, err := t.endReached()
		return append(out, last...), err
	}
	t.at.stamp(t.file)
	return out, nil
}

// split appends the complete lines in b to out, up to maxLines.
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
	if left := maxLine - len(t.part); len(b) > left {
		b, t.long = b[:left], true
	}
	t.part = append(t.part, b...)
}

// finish returns what was kept as a line.
func (t *tail) finish() line {
	t.at.Offset += t.taken
	t.at.Line++
	l := line{number: t.at.Line, text: t.part, long: t.long}
	t.part, t.long, t.taken = nil, false, 0
	return l
}

// endReached is called when there is nothing more to read. It checks whether the file was cut
// short, or whether another one is at its path. It leaves a file only after there was
// nothing more twice, since its writer may need a moment to leave it, too. A last line
// without a newline counts then.
func (t *tail) endReached() ([]line, error) {
	info, err := t.file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < t.at.Offset {
		t.log.Warn("the file was cut short and is read from its beginning", "path", t.path, "line", t.at.Line)
		t.at = position{Device: t.at.Device, Inode: t.at.Inode}
		t.part, t.long, t.taken = nil, false, 0
		return nil, nil
	}
	next, err := os.Open(t.path)
	if err != nil {
		return nil, nil // missing or not readable: continue with the old one
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
	t.log.Info("the file was rotated: reading the new one", "path", t.path, "lines", t.at.Line)
	t.follow(next, id)
	return last, nil
}
