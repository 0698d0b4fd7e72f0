package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Writer appends lines. Its methods may be called from any goroutine.
type Writer struct {
	dir  string
	full int64 // size of a segment

	mu      sync.Mutex
	file    *os.File
	segment uint64
	size    int64
	buf     []byte
	missed  int // lines that could not be written, not said yet
	why     error
}

// NewWriter goes on in a folder, which it makes when it is missing. Close it.
func NewWriter(dir string) (*Writer, error) { return newWriter(dir, SegmentSize) }

func newWriter(dir string, full int64) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("output folder: %w", err)
	}
	have, err := segments(dir)
	if err != nil {
		return nil, err
	}
	w := &Writer{dir: dir, full: full, segment: 1}
	if len(have) > 0 {
		w.segment = have[len(have)-1]
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	if err := w.mend(); err != nil {
		_ = w.file.Close()
		return nil, err
	}
	return w, nil
}

// open opens the current segment.
func (w *Writer) open() error {
	f, err := os.OpenFile(segmentPath(w.dir, w.segment), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("output: %w", err)
	}
	w.file, w.size = f, info.Size()
	return nil
}

// mend ends a last line that a writer before could not end.
func (w *Writer) mend() error {
	if w.size == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := w.file.ReadAt(last, w.size-1); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	n, err := w.file.Write([]byte{'\n'})
	w.size += int64(n)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// Line appends a line, whose text holds no end of line. It never fails: a line that
// can't be written, because the disk is full, is counted and said with the next one
// that can.
func (w *Writer) Line(at time.Time, stream Stream, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return
	}
	if w.missed > 0 {
		note := Line{At: at, Stream: Note, Text: fmt.Sprintf("%d lines lost: %v", w.missed, w.why)}
		if w.put(note) != nil {
			w.missed++
			return
		}
		w.missed = 0
	}
	if err := w.put(Line{At: at, Stream: stream, Text: text}); err != nil {
		w.missed++
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			err = pe.Err
		}
		w.why = err
	}
	if w.size >= w.full {
		w.rotate()
	}
}

// put writes a line whole or not at all.
func (w *Writer) put(l Line) error {
	w.buf = l.append(w.buf[:0])
	n, err := w.file.Write(w.buf)
	if err != nil {
		if n > 0 {
			_ = w.file.Truncate(w.size)
		}
		return err
	}
	w.size += int64(n)
	return nil
}

// rotate begins a new segment and drops what is too old. Without a new one the
// lines go on into the old one: the disk is full, and so will the next try be.
func (w *Writer) rotate() {
	old, size := w.file, w.size
	w.segment++
	if err := w.open(); err != nil {
		w.segment--
		w.file, w.size = old, size
		return
	}
	_ = old.Close()
	have, err := segments(w.dir)
	if err != nil {
		return
	}
	for _, s := range have[:max(0, len(have)-Segments)] {
		_ = os.Remove(segmentPath(w.dir, s))
	}
}

// Close ends writing. Lines that come after are thrown away.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
