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

// chain writes the files of one chain: the current one, NAME.jsonl, and those put
// aside, NAME-000001.jsonl and so on.
//
// What it holds to: a record is on disk before append answers; bytes beyond size
// are never believed; and a file whose fsync failed is never used on as if nothing
// had happened, because the kernel may have dropped what it could not write.
type chain struct {
	name   string
	disk   disk
	limits limits
	log    hclog.Logger
	now    func() time.Time // wall time, for the age of files
	turn   chan struct{}    // taken by whoever works on the chain

	held     held
	older    bool     // the files put aside were looked at
	next     int      // number of the next file put aside
	warnings []string // what was found before the plugin was running
	running  bool     // from now on such things go to the log
	ended    bool     // nothing is written any more

	file  file        // the current file; nil: there is none, or it must be opened
	ident fs.FileInfo // which file that is, or was
	size  int64       // its durable bytes
	cut   bool        // bytes beyond size are to be cut when ident is opened again
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

// take waits for the chain; give gives it back.
func (c *chain) take(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: waiting for the records before: %w", c.current(), ctx.Err())
	}
}

func (c *chain) give() { <-c.turn }

// append makes the entries durable that are not held yet, in order. After an error
// a part of them may be held; all of them may then be appended again.
func (c *chain) append(ctx context.Context, entries []entry) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	if c.ended {
		return fmt.Errorf("%s: the plugin is ending", c.current())
	}
	if err := c.ready(); err != nil {
		return err
	}
	for fresh := c.fresh(entries); len(fresh) > 0; {
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

// fresh gives the entries that are not held, each once.
func (c *chain) fresh(entries []entry) []entry {
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

// write adds entries to the current file and waits for the disk, once.
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

// abandon gives up a file that can't be trusted any more. What is beyond its
// durable size is cut off when it is opened again, before the next record.
func (c *chain) abandon() {
	if err := c.file.Close(); err != nil {
		c.log.Warn("closing a file that failed", "file", c.current(), "error", err)
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

// failed names the file and the step, and what helps where that is known.
func (c *chain) failed(step string, err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%s: %s: %w: free some space, or lower keep; records wait in the node's log meanwhile", c.current(), step, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %s: %w: let the node's user write there", c.current(), step, err)
	}
	return fmt.Errorf("%s: %s: %w", c.current(), step, err)
}

// untouched says whether the current file is still the one that was written last,
// as long as it was left.
func (c *chain) untouched() bool {
	st, err := c.disk.stat(c.current())
	return err == nil && os.SameFile(st, c.ident) && st.Size() == c.size
}

// end closes the chain for good, after what is being written.
func (c *chain) end() error {
	c.turn <- struct{}{}
	defer c.give()
	c.ended = true
	return c.close()
}

// close lets go of the file.
func (c *chain) close() error {
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file = nil
	return err
}
