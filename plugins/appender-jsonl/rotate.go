package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// limits say when a file is put aside, and how many of those are kept.
type limits struct {
	maxSize int64
	maxAge  time.Duration // 0: no limit
	keep    int           // 0: all
}

// full says whether the next line goes into a new file. An empty file never is
// full, so that a line longer than all limits goes somewhere.
func (c *chain) full(next entry) bool {
	switch {
	case c.file == nil || c.size == 0:
		return false
	case c.size+int64(len(next.line)) > c.limits.maxSize:
		return true
	}
	return c.limits.maxAge > 0 && c.now().Sub(c.born) >= c.limits.maxAge
}

// fitting gives how many of the entries go into the current file: as many as it
// has room for, and at least one.
func (c *chain) fitting(entries []entry) int {
	size := c.size
	for i, e := range entries {
		if size += int64(len(e.line)); size > c.limits.maxSize && i > 0 {
			return i
		}
	}
	return len(entries)
}

// rotate puts the current file aside, all of which is durable. The next one is made
// by the next write, which also makes the names durable before it answers.
func (c *chain) rotate() error {
	for {
		_, err := c.disk.stat(c.asideName(c.next))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return c.failed("stat of "+c.asideName(c.next), err)
		}
		c.next++ // somebody else put a file there
	}
	if err := c.disk.rename(c.current(), c.asideName(c.next)); err != nil {
		return c.failed("rename to "+c.asideName(c.next), err)
	}
	c.named = false
	c.next++
	if err := c.close(); err != nil {
		c.log.Warn("closing a file put aside", "error", err)
	}
	c.ident, c.size, c.cut = nil, 0, false
	c.prune()
	return nil
}

// prune removes the oldest of the files put aside. That it can't is no reason not
// to write records: it is said, and tried again at the next rotation.
func (c *chain) prune() {
	if c.limits.keep == 0 {
		return
	}
	numbers, err := c.aside()
	if err != nil {
		c.log.Warn("old files can't be removed", "error", err)
		return
	}
	for len(numbers) > c.limits.keep {
		name := c.asideName(numbers[0])
		if err := c.disk.remove(name); err != nil {
			c.log.Warn("an old file can't be removed", "file", name, "error", err)
		}
		numbers = numbers[1:]
	}
}

// aside gives the numbers of the files put aside, ascending.
func (c *chain) aside() ([]int, error) {
	names, err := c.disk.list()
	if err != nil {
		return nil, c.failed("list the folder", err)
	}
	var numbers []int
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, c.name+"-")
		if !ok {
			continue
		}
		digits, _ = strings.CutSuffix(digits, ".jsonl")
		if n, err := strconv.Atoi(digits); err == nil && n > 0 && name == c.asideName(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (c *chain) asideName(n int) string { return fmt.Sprintf("%s-%06d.jsonl", c.name, n) }
