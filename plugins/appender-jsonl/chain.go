package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// chain writes the files of one chain: the current one, NAME.jsonl, and makes rotated ones,
// NAME-000001.jsonl and so on.
//
// Its invariants: a record is on disk before append returns. Bytes beyond size count as
// not written. A file whose fsync failed is closed and read again before it is used,
// because the kernel may have dropped what it could not write.
type chain struct {
	name   string
	disk   disk
	limits limits
	log    hclog.Logger
	now    func() time.Time // wall time, for the age of files
	turn   chan struct{}    // held by the goroutine that uses the chain

	held     held
	older    bool     // the rotated files were read
	next     int      // number of the next rotated file
	warnings []string // what was found before the constructor returned
	running  bool     // the constructor has returned: warnings go to the log
	ended    bool     // no more records are accepted

	file  file        // the current file; nil: there is none, or it has to be opened
	ident fs.FileInfo // its identity; kept after it is closed
	size  int64       // its durable bytes
	cut   bool        // bytes beyond size have to be cut off when ident is opened again
	born  time.Time   // when it was made
	named bool        // its name, and the last rename, are durable
}

func newChain(name string, d disk, l limits, log hclog.Logger) *chain {
	return &chain{
		name: name, disk: d, limits: l, log: log.With("chain", name), now: time.Now,
		turn: make(chan struct{}, 1),
	}
}

func (c *chain) current() string { return c.name + ".jsonl" }

// lock waits until no other goroutine uses the chain; unlock lets the next one.
func (c *chain) lock(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: waiting for the records before: %w", c.current(), ctx.Err())
	}
}

func (c *chain) unlock() { <-c.turn }

// append makes the entries durable that are not held yet, in order. After an error some of
// them may be held; it is safe to append all of them again.
func (c *chain) append(ctx context.Context, entries []entry) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	if c.ended {
		return fmt.Errorf("%s: the plugin is ending", c.current())
	}
	if err := c.ready(); err != nil {
		return err
	}
	for fresh := c.unheld(entries); len(fresh) > 0; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", c.current(), err)
		}
		if c.full(fresh[0]) {
			if err := c.rotate(); err != nil {
				return err
			}
		}
		n := c.fitting(fresh)
		if err := c.write(fresh[:n]); err != nil {
			return err
		}
		fresh = fresh[n:]
	}
	return nil
}

// unheld returns the entries that are not held, without duplicates.
func (c *chain) unheld(entries []entry) []entry {
	out := make([]entry, 0, len(entries))
	seen := make(map[key]bool, len(entries))
	for _, e := range entries {
		if !seen[e.key] && !c.held.has(e.key) {
			seen[e.key] = true
			out = append(out, e)
		}
	}
	return out
}

// write appends entries to the current file and waits for the disk once.
func (c *chain) write(entries []entry) error {
	if c.file == nil {
		if err := c.create(); err != nil {
			return err
		}
	}
	size := 0
	for _, e := range entries {
		size += len(e.line)
	}
	lines := make([]byte, 0, size)
	for _, e := range entries {
		lines = append(lines, e.line...)
	}
	if _, err := c.file.WriteAt(lines, c.size); err != nil {
		if c.file.Truncate(c.size) != nil {
			c.abandon()
		}
		return c.failed("write", err)
	}
	if err := c.file.Sync(); err != nil {
		c.abandon()
		return c.failed("fsync", err)
	}
	if err := c.syncNames(); err != nil {
		c.abandon()
		return err
	}
	c.size += int64(size)
	for _, e := range entries {
		c.held.add(e.key)
	}
	return nil
}

// abandon closes a file whose content is uncertain. What is beyond its durable size is cut
// off when the file is opened again, before the next record.
func (c *chain) abandon() {
	if err := c.file.Close(); err != nil {
		c.log.Warn("closing a file after a failure failed, too", "file", c.current(), "error", err)
	}
	c.file, c.cut = nil, true
}

// syncNames makes the names of new and renamed files durable.
func (c *chain) syncNames() error {
	if c.named {
		return nil
	}
	if err := c.disk.sync(); err != nil {
		return c.failed("fsync of the folder", err)
	}
	c.named = true
	return nil
}

// failed adds the file and the step to err, and what to do where that is known.
func (c *chain) failed(step string, err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%s: %s: %w: free some space, or lower keep; until then records wait in the node's log", c.current(), step, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %s: %w: let the node's user write there", c.current(), step, err)
	}
	return fmt.Errorf("%s: %s: %w", c.current(), step, err)
}

// unchanged reports whether the current file is still the one that was written last, with
// the same size.
func (c *chain) unchanged() bool {
	st, err := c.disk.stat(c.current())
	return err == nil && os.SameFile(st, c.ident) && st.Size() == c.size
}

// end waits for entries that are being written and closes the chain for good.
func (c *chain) end() error {
	c.turn <- struct{}{}
	defer c.unlock()
	c.ended = true
	return c.close()
}

// close closes the current file, if one is open.
func (c *chain) close() error {
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file = nil
	return err
}
