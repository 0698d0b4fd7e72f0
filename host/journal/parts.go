package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/meshos/meshos/internal/flock"
	"github.com/meshos/meshos/internal/readfile"
)

// file is what a journal is written to.
type file interface {
	io.WriteCloser
	Sync() error
}

// create creates the file of a journal and locks it against other nodes of this user. Only
// this user may read it, since it holds the environment of daemons and plugins.
func create(path string) (file, error) {
	f, err := readfile.Do(path, readfile.Within, func() (*os.File, error) {
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	})
	if err != nil {
		return nil, err
	}
	if err := flock.TryExclusive(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lockedFile{f}, nil
}

// lockedFile releases its lock when it is closed.
type lockedFile struct{ *os.File }

func (f lockedFile) Close() error { return flock.Close(f.File) }

// inUse returns an error if another node is writing the journal.
func inUse(path string) error {
	f, _, err := readfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = flock.Close(f) }()
	if err := flock.TryShared(f); err != nil {
		return fmt.Errorf("another node is writing %s: name another file", path)
	}
	return nil
}

// parts writes the files of a journal. It belongs to one goroutine.
type parts struct {
	path   string
	create func(path string) (file, error)
	most   int64 // size of one file, in bytes
	limit  int64 // size of all files, in bytes

	file  file // nil after close
	out   *bufio.Writer
	full  int   // how many parts are full
	size  int64 // of the present file
	total int64 // of all files
}

func beginParts(path string, create func(string) (file, error), most, limit int64) (*parts, error) {
	for _, check := range []func(string) error{mustBeJournal, inUse, keepPrevious} {
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

// write writes one line. If the file would grow too large, it is closed and renamed, and a
// new file begins.
func (p *parts) write(line []byte) error {
	n := int64(len(line))
	if p.total+n > p.limit {
		return fmt.Errorf("all its files together have reached their limit of %d MiB", p.limit>>20)
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

// close writes the present file to disk and closes it.
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
