package journal

import (
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/readfile"
)

// Reader returns the entries of a journal in order. It holds one line in memory at a time.
type Reader struct {
	files []string // the files not opened yet
	open  func(file string) (io.ReadCloser, error)

	file   string // the file being read
	closer io.Closer
	lines  *lines
	count  uint64    // how many entries were returned
	at     mesh.Time // of the last of them
	torn   string    // the warning about a last line that is cut off
	err    error     // what Next returned, and returns again
}

// Open opens the journal FILE with its older parts FILE.1, FILE.2 … The caller
// closes it.
func Open(file string) (*Reader, error) {
	files, err := setOf(file)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	r := &Reader{files: files, open: func(file string) (io.ReadCloser, error) {
		f, _, err := readfile.Open(file)
		return f, err
	}}
	if err := r.nextFile(); err != nil {
		return nil, err
	}
	return r, nil
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

// Warning returns a warning if the journal is cut off in its last line. It returns "" if
// it is not, or before the end is reached.
func (r *Reader) Warning() string { return r.torn }

// Next returns the next entry. It returns io.EOF at the end, also if the journal is cut
// off in its last line, and a *DamageError for any other damage. After an error it returns
// the same error again.
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

// line returns the next line, from whichever file of the journal it is in.
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

// cutOff handles a line that is not complete: it ends the journal if it is the last line,
// and is damage otherwise.
func (r *Reader) cutOff() error {
	if len(r.files) > 0 {
		return r.damage("the line is cut off, and "+r.files[0]+" follows", "")
	}
	r.torn = fmt.Sprintf("%s:%d: the last line is cut off; the journal ends before it, with entry %d", r.file, r.lines.n, r.count)
	return io.EOF
}

// check checks that an entry may follow those before it.
func (r *Reader) check(e Entry) error {
	switch {
	case r.count == 0 && e.Boot == nil && e.Index > 1:
		return r.damage(fmt.Sprintf("the journal begins with entry %d, not with boot", e.Index),
			"FILE.1, FILE.2 … and FILE are one journal: keep them together and name FILE")
	case r.count == 0 && e.Boot == nil:
		return r.damage("the first entry must be boot", "")
	case r.count > 0 && e.Boot != nil:
		return r.damage("a second boot; only the first entry is boot", "a journal holds one run of a node")
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
