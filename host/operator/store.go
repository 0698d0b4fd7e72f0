package operator

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/renameio/v2"
	"github.com/meshos/meshos/internal/readfile"
)

// storeName is the file of the store in its folder.
const storeName = "memory"

// rewriteAfter is how many bytes are appended before the file is rewritten without what
// was forgotten meanwhile.
const rewriteAfter = 1 << 20

// store is an append-only file of entries that is rewritten now and then. It is safe for
// concurrent use: entries that come while the disk is busy are written together, with
// one fsync.
type store struct {
	path string
	all  func() []entry // returns what the file must hold when it is rewritten

	mu    sync.Mutex
	batch *batch // the entries that wait for the disk; nil if there are none

	disk     sync.Mutex // held while the file is written
	file     *os.File   // nil after a failure
	made     bool       // the folder exists
	appended int
}

// batch holds entries that are written with one fsync.
type batch struct {
	lines []byte
	done  chan struct{}
	err   error
}

// maxStore bounds the file of a folder, in bytes. What the memory holds is far less.
const maxStore = 256 << 20

// loadStore reads the file of a folder, which may be missing, and returns its entries
// and which of its lines are damaged.
func loadStore(dir string) ([]entry, []damage, error) {
	text, err := readfile.Read(filepath.Join(dir, storeName), maxStore)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("memory of accepted commands: %w", err)
	}
	entries, bad := readEntries(text)
	return entries, bad, nil
}

// openStore rewrites the file of a folder with what all returns, and opens it for
// appending. If that fails, the store is returned beside the error: each write tries
// again.
func openStore(dir string, all func() []entry) (*store, error) {
	s := &store{path: filepath.Join(dir, storeName), all: all}
	return s, s.rewrite()
}

// write writes the batch that enter returned, or waits until another caller has. It
// returns nil once the batch is on disk.
func (s *store) write(b *batch, first bool) error {
	if !first {
		<-b.done
		return b.err
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	s.batch = nil // entries that come from here on form the next one
	s.mu.Unlock()
	b.err = s.put(b.lines)
	close(b.done)
	return b.err
}

// enter adds an entry to the batch that is written next; the order of the calls is the
// order in the file. Every caller must call write then: the first one of a batch writes
// it, the others wait there.
func (s *store) enter(e entry) (b *batch, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.batch == nil
	if first {
		s.batch = &batch{done: make(chan struct{})}
	}
	s.batch.lines = append(s.batch.lines, e.line()...)
	return s.batch, first
}

// put appends lines and calls fsync. A file that failed once is never trusted again:
// everything is written to a new one, this batch included, since all returns it too.
func (s *store) put(lines []byte) error {
	if s.file != nil && s.appended < rewriteAfter {
		_, err := s.file.Write(lines)
		if err == nil {
			err = s.file.Sync()
		}
		if err == nil {
			s.appended += len(lines)
			return nil
		}
		_ = s.file.Close()
		s.file = nil
	}
	return s.rewrite()
}

// rewrite replaces the file by one with all entries and opens it for appending.
func (s *store) rewrite() error {
	var text strings.Builder
	for _, e := range s.all() {
		text.Write(e.line())
	}
	if err := s.replace(text.String()); err != nil {
		return fmt.Errorf("memory of accepted commands: %w", err)
	}
	return nil
}

func (s *store) replace(text string) error {
	if !s.made {
		if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
			return err
		}
		s.made = true
	}
	if err := renameio.WriteFile(s.path, []byte(text), 0o600, renameio.WithTempDir(filepath.Dir(s.path))); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(s.path)); err != nil {
		return err
	}
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		_ = file.Close()
		return err
	}
	if s.file != nil {
		_ = s.file.Close()
	}
	s.file, s.appended = file, 0
	return nil
}

// syncDir makes a rename in the folder survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// retry rewrites the file if the last write failed.
func (s *store) retry() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.file != nil {
		return nil
	}
	return s.rewrite()
}

// close closes the file. Nothing is lost if it is not called.
func (s *store) close() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
