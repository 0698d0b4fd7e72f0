package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// file is what a journal is written to.
type file interface {
	io.WriteCloser
	Sync() error
}

// create makes the file of a journal, which others of this user may not write while
// we do. It holds what daemons and plugins are given, so only this user may read it.
func create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// inUse says whether another node writes a journal at present.
func inUse(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return fmt.Errorf("%s is written by another node: name another file", path)
	}
	return nil
}

// parts writes the files of a journal. It belongs to one goroutine.
type parts struct {
	path   string
	create func(path string) (file, error)
	most   int64 // bytes of one file
	limit  int64 // bytes of all

	file  file // nil after close
	out   *bufio.Writer
	full  int   // parts that are full
	size  int64 // bytes of the present one
	total int64
}

func beginParts(path string, create func(string) (file, error), most, limit int64) (*parts, error) {
	for _, check := range []func(string) error{mustBeOurs, inUse, keepOld} {
		if err := check(path); err != nil {
			return nil, err
		}
	}
	p := &parts{path: path, create: create, most: most, limit: limit}
	return p, p.begin()
}

func (p *parts) begin() error {
	f, err := p.create(p.path)
	if err != nil {
		return err
	}
	p.file, p.size = f, 0
	p.out = bufio.NewWriterSize(f, 256<<10)
	return nil
}

// write takes one line. A file that has no place for it is closed and renamed.
func (p *parts) write(line []byte) error {
	n := int64(len(line))
	if p.total+n > p.limit {
		return fmt.Errorf("it has reached its size of %d MiB in all", p.limit>>20)
	}
	if p.size > 0 && p.size+n > p.most {
		if err := p.close(); err != nil {
			return err
		}
		if err := os.Rename(p.path, part(p.path, p.full+1)); err != nil {
			return err
		}
		p.full++
		if err := p.begin(); err != nil {
			return err
		}
	}
	p.size, p.total = p.size+n, p.total+n
	_, err := p.out.Write(line)
	return err
}

func (p *parts) flush() error { return p.out.Flush() }

// close brings the present file to the disk.
func (p *parts) close() error {
	if p.file == nil {
		return nil
	}
	err := p.out.Flush()
	if synced := p.file.Sync(); err == nil {
		err = synced
	}
	if closed := p.file.Close(); err == nil {
		err = closed
	}
	p.file = nil
	return err
}
