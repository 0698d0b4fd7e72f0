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

// limits define when a file is rotated, and how many rotated files are kept.
type limits struct {
	maxSize int64
	maxAge  time.Duration // 0: no limit
	keep    int           // 0: all
}

// full reports whether the next line has to go into a new file. An empty file is never
// full, so that even a line longer than the limit can be written.
func (c *chain) full(next entry) bool {
	switch {
	case c.file == nil || c.size == 0:
		return false
	case c.size+int64(len(next.line)) > c.limits.maxSize:
		return true
	}
	return c.limits.maxAge > 0 && c.now().Sub(c.born) >= c.limits.maxAge
}

// fitting returns how many of the entries go into the current file: as many as fit, and at
// least one.
func (c *chain) fitting(entries []entry) int {
	size := c.size
	for i, e := range entries {
		if size += int64(len(e.line)); size > c.limits.maxSize && i > 0 {
			return i
		}
	}
	return len(entries)
}

// rotate renames the current file, all of which is durable. The next write makes a new
// one and makes the names durable before it returns.
func (c *chain) rotate() error {
	for {
		_, err := c.disk.stat(c.rotatedName(c.next))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return c.failed("stat of "+c.rotatedName(c.next), err)
		}
		c.next++ // another program has made this file
	}
	if err := c.disk.rename(c.current(), c.rotatedName(c.next)); err != nil {
		return c.failed("rename to "+c.rotatedName(c.next), err)
	}
	c.named = false
	c.next++
	if err := c.close(); err != nil {
		c.log.Warn("closing a rotated file failed", "error", err)
	}
	c.ident, c.size, c.cut = nil, 0, false
	c.prune()
	return nil
}

// prune removes the oldest rotated files. If it can't, it logs that and tries again at the
// next rotation; records are written all the same.
func (c *chain) prune() {
	if c.limits.keep == 0 {
		return
	}
	numbers, err := c.rotated()
	if err != nil {
		c.log.Warn("old files can't be removed", "error", err)
		return
	}
	for len(numbers) > c.limits.keep {
		name := c.rotatedName(numbers[0])
		if err := c.disk.remove(name); err != nil {
			c.log.Warn("an old file can't be removed", "file", name, "error", err)
		}
		numbers = numbers[1:]
	}
}

// rotated returns the numbers of the rotated files, in ascending order.
func (c *chain) rotated() ([]int, error) {
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
		if n, err := strconv.Atoi(digits); err == nil && n > 0 && name == c.rotatedName(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (c *chain) rotatedName(n int) string { return fmt.Sprintf("%s-%06d.jsonl", c.name, n) }
