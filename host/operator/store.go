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
	"golang.org/x/sys/unix"
)

// storeName is the file of the store in its folder.
const storeName = "memory"

// rewriteAfter is how many bytes are appended before the store is written anew
// without what is forgotten.
const rewriteAfter = 1 << 20

// store is a file of entries that only grows, and is written anew now and then.
// What write returned nil for is on disk. It is safe for concurrent use: entries
// that come while the disk is busy are written together.
type store struct {
	path string
	all  func() []entry // what the file holds when it is written anew

	mu    sync.Mutex
	batch *batch // of entries that wait for the disk; nil for none

	disk     sync.Mutex // held while the file is written
	file     *os.File   // nil after a failure
	appended int
}

// batch is entries that are written with one fsync.
type batch struct {
	lines []byte
	done  chan struct{}
	err   error
}

// loadStore reads a folder's file, which may be missing, and says which of its
// lines are damaged.
func loadStore(dir string) ([]entry, []damage, error) {
	text, err := os.ReadFile(filepath.Join(dir, storeName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("memory of accepted commands: %w", err)
	}
	entries, bad := readEntries(text)
	return entries, bad, nil
}

// diskFull says whether an error may go by itself when somebody makes room.
func diskFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// openStore opens a folder's file for writing, written anew with what all gives. After
// an error of writing it, the store is there all the same, and each write tries again.
func openStore(dir string, all func() []entry) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("memory of accepted commands: %w", err)
	}
	s := &store{path: filepath.Join(dir, storeName), all: all}
	return s, s.renew()
}

// write puts lines on disk and waits until they are. enter has joined them to a
// batch before: that is what gives them their order.
func (s *store) write(b *batch, first bool) error {
	if !first {
		<-b.done
		return b.err
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	s.batch = nil // those who come from here on form the next one
	s.mu.Unlock()
	b.err = s.put(b.lines)
	close(b.done)
	return b.err
}

// enter joins an entry to what is written next. Whoever is first has to call write,
// and all others wait in it.
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

// put appends and fsyncs. A file that failed once is never trusted again: all is
// written to a new one, which the entries of this batch are part of already.
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
	return s.renew()
}

// renew writes the file anew, whole, and opens it for appending.
func (s *store) renew() error {
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

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// mend writes the file anew after a failure; there may be room again.
func (s *store) mend() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.file != nil {
		return nil
	}
	return s.renew()
}

// close closes the file; nothing is lost by not calling it.
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
