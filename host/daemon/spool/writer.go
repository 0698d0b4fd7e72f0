package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/meshos/meshos/internal/unwritable"
)

// Writer appends lines. Its methods may be called from any goroutine.
type Writer struct {
	dir  string
	full int64 // the size at which a segment is full

	mu        sync.Mutex
	file      *os.File
	segment   uint64
	size      int64
	info      fs.FileInfo // of the file when it was opened
	buf       []byte
	closed    bool
	lost      int // lines that could not be written and are not reported yet
	lostCause error
}

// NewWriter returns a writer that appends to the newest segment of a folder, which it creates if
// it does not exist. Where that is not possible for now, because the disk is full or read-only,
// it is tried again with each line. Close it.
func NewWriter(dir string) (*Writer, error) { return newWriter(dir, SegmentSize) }

// ResumeWriter returns a writer that goes on in a segment that is open for reading and appending, and
// to which nobody else writes any more. What is wrong there is tried again with each line.
func ResumeWriter(dir string, file *os.File, segment uint64) *Writer {
	w := &Writer{dir: dir, full: SegmentSize, segment: segment, file: file}
	err := w.examine()
	if err == nil {
		err = w.endTornLine()
	}
	if err != nil {
		_ = file.Close()
		w.file = nil
	}
	return w
}

// Place returns the descriptor of the segment, its number and its size; false if there is none now.
func (w *Writer) Place() (fd uintptr, segment uint64, size int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil || w.lost > 0 {
		return 0, 0, 0, false
	}
	return w.file.Fd(), w.segment, w.size, true
}

func newWriter(dir string, full int64) (*Writer, error) {
	w := &Writer{dir: dir, full: full, segment: 1}
	if err := w.begin(); err != nil && !unwritable.Is(err) {
		return nil, err
	}
	return w, nil
}

// begin opens the newest segment. If it fails, file is nil.
func (w *Writer) begin() error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	have, err := segments(w.dir)
	if err != nil {
		return err
	}
	if len(have) > 0 {
		w.segment = max(w.segment, have[len(have)-1])
	}
	if err := w.open(); err != nil {
		return err
	}
	if err := w.endTornLine(); err != nil {
		_ = w.file.Close()
		w.file = nil
		return err
	}
	return nil
}

// open opens the current segment.
func (w *Writer) open() error {
	f, err := os.OpenFile(segmentPath(w.dir, w.segment), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	before := w.file
	w.file = f
	if err := w.examine(); err != nil {
		w.file = before
		_ = f.Close()
		return err
	}
	return nil
}

// examine finds out what the file is, and how long.
func (w *Writer) examine() error {
	info, err := w.file.Stat()
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	w.info, w.size = info, info.Size()
	return nil
}

// leave leaves a segment that somebody removed or put elsewhere: nobody would find what is written
// there. The next one has another number, so that who reads the old one goes on there.
func (w *Writer) leave() {
	info, err := os.Stat(segmentPath(w.dir, w.segment))
	if gone := errors.Is(err, fs.ErrNotExist); !gone && (err != nil || os.SameFile(info, w.info)) {
		return
	}
	_ = w.file.Close()
	w.file = nil
	w.segment++
}

// endTornLine ends the last line if an earlier writer could not end it.
func (w *Writer) endTornLine() error {
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

// Line appends a line, whose text has no line feed. It never fails: lines that can't be written,
// because the disk is full, are counted, and a Note before the next line reports them.
func (w *Writer) Line(at time.Time, stream Stream, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if w.file != nil {
		w.leave()
	}
	if w.file == nil {
		if err := w.begin(); err != nil {
			w.lose(stream, text, err)
			return
		}
	}
	if w.lost > 0 {
		note := Line{At: at, Stream: Note, Text: fmt.Sprintf("%d lines lost: %v", w.lost, w.lostCause)}
		if w.put(note) != nil {
			w.lost += lines(stream, text)
			return
		}
		w.lost = 0
	}
	if err := w.put(Line{At: at, Stream: stream, Text: text}); err != nil {
		w.lose(stream, text, err)
	}
	if w.size >= w.full {
		w.rotate()
	}
}

// Lost returns how many lines could not be written, or counted as suppressed, and are not reported
// by a Note.
func (w *Writer) Lost() (lines int, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost, w.lostCause
}

// lines returns how many lines of the daemon a line stands for.
func lines(stream Stream, text string) int {
	if n, err := strconv.Atoi(text); stream == Suppressed && err == nil {
		return n
	}
	return 1
}

func (w *Writer) lose(stream Stream, text string, err error) {
	w.lost += lines(stream, text)
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	w.lostCause = err
}

// put writes a whole line or nothing.
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

// rotate begins a new segment and drops the oldest ones. If it can't, because the disk is full,
// the old segment grows on, and the next line tries again.
func (w *Writer) rotate() {
	old := w.file
	w.segment++
	if err := w.open(); err != nil {
		w.segment--
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

// Close closes the segment. Lines that come afterwards are dropped.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
