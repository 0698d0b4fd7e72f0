package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Cursor keeps a position in a file. Saving is one small write to one place, so a process that
// is killed leaves the old or the new position and nothing between; it is cheap enough for
// every line.
type Cursor struct{ file *os.File }

// OpenCursor opens or creates the file and returns the position in it, or the beginning if the
// file holds none. Close it.
func OpenCursor(path string) (*Cursor, Position, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, Position{}, fmt.Errorf("output cursor: %w", err)
	}
	var at Position
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = f.Close()
		return nil, Position{}, fmt.Errorf("output cursor: %w", err)
	}
	if n, err := fmt.Sscanf(string(text), "%d %d\n", &at.Segment, &at.Offset); n != 2 || err != nil || at.Offset < 0 {
		at = Position{}
	}
	return &Cursor{file: f}, at, nil
}

// Save replaces the position.
func (c *Cursor) Save(at Position) error {
	if _, err := fmt.Fprintf(fromStart{c.file}, "%020d %020d\n", at.Segment, at.Offset); err != nil {
		return fmt.Errorf("output cursor: %w", err)
	}
	return nil
}

// Close closes the file.
func (c *Cursor) Close() { _ = c.file.Close() }

// fromStart writes to the beginning of a file.
type fromStart struct{ file *os.File }

func (w fromStart) Write(b []byte) (int, error) { return w.file.WriteAt(b, 0) }
