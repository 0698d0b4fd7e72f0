package durable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
)

// Copied is what Copy did.
type Copied struct {
	Files   int   `json:"files"`   // that were copied now
	Bytes   int64 `json:"bytes"`   // of them
	Removed int   `json:"removed"` // files of the copy that the chain does not keep any more
}

// OtherChainError means that a copy does not belong to the chain that is to be copied over it:
// it holds something that the chain does not hold.
type OtherChainError struct {
	Chain, Dir string
	What       string
}

// Error implements error.
func (e *OtherChainError) Error() string {
	return fmt.Sprintf("the copy of the %s records in %s is not of this chain, or the chain lost some of its records since: %s; "+
		"nothing in it was changed. Check the node's records, and copy into another folder", e.Chain, e.Dir, e.What)
}

// Copy brings a copy of a chain up to date, while a node may write to the chain: it copies the
// files that are not in the folder to yet or have grown, and removes those that the chain
// dropped for their age or size. What is at the end and unfinished is left out. A file is
// replaced at once, so that an interrupted Copy leaves a copy of the chain as it was earlier.
// If the copy holds what the chain does not, the error is an *OtherChainError.
func Copy(ctx context.Context, from disk.FS, to, chain string) (Copied, error) {
	c := copier{from: from, to: to, chain: chain}
	for attempt := 0; ; attempt++ {
		err := c.run(ctx)
		if errors.Is(err, errDropped) && attempt < 5 {
			continue
		}
		if err != nil {
			return c.done, fmt.Errorf("copy %s records: %w", chain, err)
		}
		return c.done, nil
	}
}

// errDropped means that a file went while it was to be copied.
var errDropped = errors.New("the node drops files faster than they are copied")

type copier struct {
	from  disk.FS
	to    string
	chain string
	done  Copied
}

func (c *copier) run(ctx context.Context) error {
	theirs, err := numbers(c.from)
	if err != nil {
		return err
	}
	target, err := disk.Open(c.to)
	if err != nil {
		return err
	}
	ours, err := numbers(target)
	if err != nil {
		return err
	}
	if len(ours) > 0 {
		if err := c.fits(target, theirs, ours); err != nil {
			return err
		}
	}
	for _, number := range theirs {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := c.one(target, number, slices.Contains(ours, number)); err != nil {
			return err
		}
	}
	for _, number := range ours {
		if !slices.Contains(theirs, number) {
			if err := target.Remove(nameOf(number)); err != nil {
				return err
			}
			c.done.Removed++
		}
	}
	if err := c.trim(target); err != nil {
		return err
	}
	return target.SyncDir()
}

func numbers(folder disk.FS) (out []uint64, err error) {
	names, err := folder.List()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if n := numberOf(name); n > 0 {
			out = append(out, n)
		}
	}
	return out, nil
}

// fits compares the files of a copy with those of the chain.
func (c *copier) fits(target disk.FS, theirs, ours []uint64) error {
	switch last := ours[len(ours)-1]; {
	case len(theirs) == 0:
		return c.other("it has %d files, the chain has none", len(ours))
	case last > theirs[len(theirs)-1]:
		return c.other("it goes on to file %s, the chain ends with file %s", nameOf(last), nameOf(theirs[len(theirs)-1]))
	case keepsAll(c.chain) && ours[0] < theirs[0]:
		return c.other("it begins with file %s, the chain begins with file %s, and none of its files is ever dropped", nameOf(ours[0]), nameOf(theirs[0]))
	}
	here, err := recoverChain(target, c.chain)
	if err != nil {
		return err
	}
	there, err := recoverChain(c.from, c.chain)
	if errors.Is(err, fs.ErrNotExist) {
		return errDropped
	}
	if err != nil {
		return err
	}
	if a, b := here.next(), there.next(); a > b {
		return c.other("it ends with record %d, the chain ends with record %d", a-1, b-1)
	}
	return nil
}

// next returns the number of the first record behind those that are valid.
func (s *recovery) next() uint64 {
	if len(s.valid) == 0 {
		return 1
	}
	return s.tail().end.Next
}

func (c *copier) other(format string, args ...any) error {
	return &OtherChainError{Chain: c.chain, Dir: c.to, What: fmt.Sprintf(format, args...)}
}

// one copies a file, unless the copy has it as it is.
func (c *copier) one(target disk.FS, number uint64, has bool) error {
	name := nameOf(number)
	in, err := c.from.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return errDropped
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	size, err := in.Size()
	if err != nil {
		return err
	}
	if has {
		same, err := c.same(target, name, in, size)
		if err != nil || same {
			return err
		}
	}
	out, err := renameio.NewPendingFile(filepath.Join(c.to, name), renameio.WithTempDir(c.to), renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = out.Cleanup() }()
	n, err := io.Copy(out, io.NewSectionReader(in, 0, size))
	if err == nil {
		err = out.CloseAtomicallyReplace()
	}
	c.done.Files++
	c.done.Bytes += n
	return err
}

// same reports whether the copy of a file needs nothing. An error is an *OtherChainError if the
// two are not the same file at two times.
func (c *copier) same(target disk.FS, name string, in disk.File, size int64) (bool, error) {
	old, err := target.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = old.Close() }()
	had, err := old.Size()
	if err != nil {
		return false, err
	}
	if had == size {
		// The hash at the end of a sealed file stands for all before it.
		_, a, sealed := segment.ReadFooter(in, size)
		_, b, too := segment.ReadFooter(old, had)
		if sealed && too && a.Hash == b.Hash {
			return true, nil
		}
	}
	equal, err := begins(in, old, min(had, size))
	if err != nil {
		return false, err
	}
	if !equal {
		return false, c.other("file %s is another one", name)
	}
	return had == size, nil // it grew, or the node took back what it could not sync
}

// begins reports whether two files begin with the same bytes.
func begins(a, b io.ReaderAt, length int64) (bool, error) {
	const part = 1 << 20
	one, two := make([]byte, part), make([]byte, part)
	for at := int64(0); at < length; at += part {
		n := min(part, length-at)
		if _, err := a.ReadAt(one[:n], at); err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if _, err := b.ReadAt(two[:n], at); err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if !bytes.Equal(one[:n], two[:n]) {
			return false, nil
		}
	}
	return true, nil
}

// trim cuts the unfinished end off the copy.
func (c *copier) trim(target disk.FS) error {
	s, err := recoverChain(target, c.chain)
	if err != nil || s.torn == nil {
		return err
	}
	if s.torn.Offset == 0 {
		return target.Remove(nameOf(s.last))
	}
	return os.Truncate(filepath.Join(c.to, nameOf(s.last)), s.torn.Offset)
}
