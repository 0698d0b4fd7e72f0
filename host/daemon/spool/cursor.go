package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/meshos/meshos/internal/unwritable"
)

// Cursor keeps a position in a file. Saving is one small write to one place, so a process that
// is killed leaves the old or the new position and nothing between; it is cheap enough for
// every line.
type Cursor struct {
	path string
	file *os.File // nil while the disk does not allow to write it
}

// OpenCursor opens or creates the file and returns the position in it, or the beginning if the
// file holds none. Where it can't be written for now, saving fails until it can. Close it.
func OpenCursor(path string) (*Cursor, Position, error) {
	c := &Cursor{path: path}
	if err := c.open(); err != nil && !unwritable.Is(err) {
		return nil, Position{}, err
	}
	var at Position
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Close()
		return nil, Position{}, fmt.Errorf("output cursor: %w", err)
	}
	if n, err := fmt.Sscanf(string(text), "%d %d\n", &at.Segment, &at.Offset); n != 2 || err != nil || at.Offset < 0 {
		at = Position{}
	}
	return c, at, nil
}

func (c *Cursor) open() (err error) {
	if c.file, err = os.OpenFile(c.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		c.file = nil
		return fmt.Errorf("output cursor: %w", err)
	}
	return nil
}

// Save replaces the position.
func (c *Cursor) Save(at Position) error {
	if c.file == nil {
		if err := c.open(); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(fromStart{c.file}, "%020d %020d\n", at.Segment, at.Offset); err != nil {
		return fmt.Errorf("output cursor: %w", err)
	}
	return nil
}

// Close closes the file.
func (c *Cursor) Close() {
	if c.file != nil {
		_ = c.file.Close()
	}
}

// fromStart writes to the beginning of a file.
type fromStart struct{ file *os.File }

func (w fromStart) Write(b []byte) (int, error) { return w.file.WriteAt(b, 0) }
