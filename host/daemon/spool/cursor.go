package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/meshos/meshos/internal/unwritable"
)

// Cursor is a position in a spool, as a file keeps it. Saving is one small write to one place, so
// a process that is killed leaves the old or the new position and nothing between.
type Cursor struct {
	Spool uint32 // which spool it is: another one of the same folder has another number; 0: not known
	At    Position
}

// LoadCursor returns what a file holds; the zero value if it holds none, or can't be made for now.
func LoadCursor(path string) (Cursor, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !unwritable.Is(err) {
		return Cursor{}, fmt.Errorf("output cursor: %w", err)
	}
	var c Cursor
	n, _ := fmt.Sscanf(string(text), "%d %d %d\n", &c.At.Segment, &c.At.Offset, &c.Spool)
	if n < 2 || c.At.Offset < 0 { // earlier versions wrote two numbers
		return Cursor{}, nil
	}
	return c, nil
}

// Save replaces what the file holds.
func (c Cursor) Save(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("output cursor: %w", err)
	}
	_, err = fmt.Fprintf(fromStart{f}, "%020d %020d %010d\n", c.At.Segment, c.At.Offset, c.Spool)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("output cursor: %w", err)
	}
	return nil
}

// fromStart writes to the beginning of a file.
type fromStart struct{ file *os.File }

func (w fromStart) Write(b []byte) (int, error) { return w.file.WriteAt(b, 0) }
