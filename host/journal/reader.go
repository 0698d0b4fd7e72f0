package journal

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/meshos/meshos/host/mesh"
)

// Reader gives the entries of a journal in order. It holds one line at a time.
type Reader struct {
	files []string // those not begun yet
	open  func(file string) (io.ReadCloser, error)

	file   string // the one being read
	closer io.Closer
	lines  *lines
	count  uint64    // entries given
	at     mesh.Time // of the last one
	torn   string
	err    error // what Next goes on giving
}

// Open opens the journal FILE with its older parts FILE.1, FILE.2 … The caller
// closes it.
func Open(file string) (*Reader, error) {
	files, err := setOf(file)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	r := &Reader{files: files, open: func(file string) (io.ReadCloser, error) { return os.Open(file) }}
	if err := r.nextFile(); err != nil {
		return nil, err
	}
	return r, nil
}

// NewReader reads a journal that is all in one stream; name stands for the file in
// errors.
func NewReader(name string, from io.Reader) *Reader {
	return &Reader{file: name, closer: io.NopCloser(from), lines: newLines(from)}
}

// Close closes the file that is being read.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	err := r.closer.Close()
	r.closer = nil
	return err
}

// Warning says that the journal is cut off in its last line; "" when it is not, or
// the end was not reached.
func (r *Reader) Warning() string { return r.torn }

// Next gives the next entry. It returns io.EOF at the end, also when the journal is
// cut off in its last line, and a *DamageError for everything else that can't be
// believed. After an error it gives the same one again.
func (r *Reader) Next() (Entry, error) {
	if r.err != nil {
		return Entry{}, r.err
	}
	e, err := r.next()
	if err != nil {
		r.err = err
		return Entry{}, err
	}
	r.count, r.at = e.Index, e.At.At
	return e, nil
}

func (r *Reader) next() (Entry, error) {
	line, err := r.line()
	if err != nil {
		return Entry{}, err
	}
	e, err := decode(line)
	if err != nil {
		switch {
		case !cutOff(line):
			return Entry{}, r.damage(err.Error(), "")
		case !r.lines.last():
			return Entry{}, r.damage("the line is cut off, and others follow", "")
		}
		return Entry{}, r.cutOff()
	}
	e.File, e.Line = r.file, r.lines.n
	return e, r.check(e)
}

// line gives the next line of the set.
func (r *Reader) line() ([]byte, error) {
	for {
		line, err := r.lines.next()
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, errLineTooLong):
			return nil, r.damage(err.Error(), "")
		case !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("journal: %w", err)
		case len(r.files) > 0:
			if err := r.nextFile(); err != nil {
				return nil, err
			}
		case r.count == 0:
			return nil, &DamageError{File: r.file, Problem: "is empty", Hint: "a journal begins with a boot entry"}
		default:
			return nil, io.EOF
		}
	}
}

func (r *Reader) nextFile() error {
	if err := r.Close(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	f, err := r.open(r.files[0])
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	r.file, r.files = r.files[0], r.files[1:]
	r.closer, r.lines = f, newLines(f)
	return nil
}

// cutOff ends the journal at a line that is not whole, if it is the last.
func (r *Reader) cutOff() error {
	if len(r.files) > 0 {
		return r.damage("the line is cut off, and "+r.files[0]+" follows", "")
	}
	r.torn = fmt.Sprintf("%s:%d: the last line is cut off; the journal ends before it, with entry %d", r.file, r.lines.n, r.count)
	return io.EOF
}

// check looks at an entry in its place.
func (r *Reader) check(e Entry) error {
	switch {
	case r.count == 0 && e.Boot == nil && e.Index > 1:
		return r.damage(fmt.Sprintf("the journal begins with entry %d, and not with boot", e.Index),
			"FILE.1, FILE.2 … and FILE are one journal: keep them together and name FILE")
	case r.count == 0 && e.Boot == nil:
		return r.damage("the first entry must be boot", "")
	case r.count > 0 && e.Boot != nil:
		return r.damage("boot is a second time here; only the first entry is boot", "one journal holds one run of a node")
	case e.Index != r.count+1:
		return r.damage(fmt.Sprintf("index %d follows %d, and must be %d", e.Index, r.count, r.count+1),
			"entries are missing or out of order, so nothing from here on can be replayed")
	case e.At.At < r.at:
		return r.damage(fmt.Sprintf("time goes back, from %s to %s", seconds(r.at), seconds(e.At.At)), "")
	}
	return nil
}

func (r *Reader) damage(problem, hint string) error {
	return &DamageError{File: r.file, Line: r.lines.n, Problem: problem, Hint: hint}
}
