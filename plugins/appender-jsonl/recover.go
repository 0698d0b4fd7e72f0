package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// How many bytes are read at the start, to learn which records are held. A batch that
// comes again has recent records, and a host does not wait for long: a current file of
// the default size is read completely, and the end of a larger one.
const (
	scanCurrent = 64 << 20
	scanBack    = 8 << 20 // of the rotated files
)

// ready makes sure that the current file is open and unchanged. It opens the file at the
// start, after a failure, and after another program has changed it: no record may be
// written to a file that was moved away or cut short.
func (c *chain) ready() error {
	if c.file != nil {
		if c.unchanged() {
			return nil
		}
		c.note("%s was changed by another program: it is read again", c.current())
		_ = c.close()
		c.cut = false
	}
	return c.open()
}

// open opens the current file if there is one, cuts off a torn line and what was never
// durable, and learns which records the file holds.
func (c *chain) open() error {
	if err := c.readOlder(); err != nil {
		return err
	}
	f, err := c.disk.open(c.current(), false)
	if errors.Is(err, fs.ErrNotExist) {
		c.ident, c.size, c.cut = nil, 0, false
		return nil // made with the first record
	}
	if err != nil {
		return c.failed("open", err)
	}
	if err := c.adopt(f); err != nil {
		_ = f.Close()
		return err
	}
	c.file = f
	return nil
}

// adopt makes an open file the current one. After an error nothing has changed.
func (c *chain) adopt(f file) error {
	st, err := f.Stat()
	if err != nil {
		return c.failed("stat", err)
	}
	born, err := f.born()
	if err != nil {
		return c.failed("stat", err)
	}
	size := st.Size()
	again := c.cut && os.SameFile(st, c.ident)
	if again && size > c.size {
		// After a failed write or fsync: these bytes may be in the kernel's
		// memory only. Their records come again.
		size = c.size
		if err := f.Truncate(size); err != nil {
			return c.failed("cut off what failed to be written", err)
		}
	}
	from := max(0, size-scanCurrent)
	got, err := scan(c.current(), c.name, f, from, size, c.held.add)
	for err == nil && got.end == from && from > 0 { // no line ends in there: the torn line is longer
		from = max(0, from-(size-from)) // twice as much
		got, err = scan(c.current(), c.name, f, from, size, c.held.add)
	}
	if err != nil {
		return err
	}
	if got.end < size {
		if err := f.Truncate(got.end); err != nil {
			return c.failed("cut off a torn line", err)
		}
		c.note("%s: cut off a torn last line of %d bytes at byte %d", c.current(), size-got.end, got.end)
	}
	// What an earlier process wrote may not be on disk yet, and from now on counts
	// as held.
	if err := f.Sync(); err != nil {
		return c.failed("fsync", err)
	}
	if !again {
		c.report(c.current(), got)
	}
	c.ident, c.size, c.born, c.cut = st, got.end, born, false
	c.named = false
	return c.syncNames()
}

// create makes the current file.
func (c *chain) create() error {
	f, err := c.disk.open(c.current(), true)
	if err != nil {
		return c.failed("create", err)
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return c.failed("stat", err)
	}
	c.file, c.ident, c.size, c.born, c.cut = f, st, 0, c.now(), false
	c.named = false
	return nil
}

// readOlder learns, once, which rotated files there are and what the latest of them hold.
func (c *chain) readOlder() error {
	if c.older {
		return nil
	}
	numbers, err := c.rotated()
	if err != nil {
		return err
	}
	left := int64(scanBack)
	var from int // the first to read; oldest first, so that the latest epochs are remembered
	for from = len(numbers); from > 0 && left > 0; from-- {
		st, err := c.disk.stat(c.rotatedName(numbers[from-1]))
		if err != nil {
			return c.failed("stat of a rotated file", err)
		}
		left -= st.Size()
	}
	for _, n := range numbers[from:] {
		if err := c.readRotated(c.rotatedName(n), max(0, -left)); err != nil {
			return err
		}
		left = 0
	}
	c.next = 1
	if len(numbers) > 0 {
		c.next = numbers[len(numbers)-1] + 1
	}
	c.older = true
	return nil
}

// readRotated learns which records a rotated file holds after skip bytes. It does not
// change the file.
func (c *chain) readRotated(name string, skip int64) error {
	f, err := c.disk.open(name, false)
	if err != nil {
		return c.failed("open "+name, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return c.failed("stat "+name, err)
	}
	got, err := scan(name, c.name, f, skip, st.Size(), c.held.add)
	if err != nil {
		return err
	}
	c.report(name, got)
	if got.end < st.Size() {
		c.note("%s: its last line is torn; it is left as it is", name)
	}
	return nil
}

// report notes which lines are damaged. They are left as they are.
func (c *chain) report(name string, got scanned) {
	for _, text := range got.first {
		c.note("%s (left as it is)", text)
	}
	if more := got.damaged - len(got.first); more > 0 {
		c.note("%s: %d more damaged lines (left as they are)", name, more)
	}
}

// maxWarnings limits how many warnings are kept.
const maxWarnings = 20

// note tells the operator: by a warning in the answer to the configuration, or by the log
// once that answer was sent.
func (c *chain) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.running || len(c.warnings) == maxWarnings {
		c.log.Warn(text)
		return
	}
	c.warnings = append(c.warnings, text)
}
