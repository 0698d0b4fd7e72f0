package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/pinned"
	"github.com/meshos/meshos/internal/unwritable"
)

// FS is the folder of one chain. Names have no folder in them.
type FS interface {
	// Dir is the folder's path, for messages.
	Dir() string
	// List returns the names in the folder, sorted.
	List() ([]string, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Append opens a file for writing. It fails with fs.ErrPermission, even for root, if
	// Protect was called for the file.
	Append(name string) (File, error)
	// Create makes a new file; it fails if the file exists.
	Create(name string) (File, error)
	Remove(name string) error
	// Protect makes a file read-only.
	Protect(name string) error
	// SyncDir makes created and removed names durable.
	SyncDir() error
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	// Sync makes what was written durable.
	Sync() error
	// DropCache drops the kernel's cached pages of the file but those that still have to be
	// written, so that what is read next is what the disk holds. After a failed Sync the
	// cache may hold what the disk never will.
	DropCache()
}

// Open returns the real folder dir, and creates it if it does not exist. Where the disk takes
// no folder for now, the first file that is created makes it.
func Open(dir string) (FS, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil && !unwritable.Is(err) {
		return nil, fmt.Errorf("folder for records: %w", err)
	}
	return folder(dir), nil
}

// Existing returns the real folder dir for reading. It creates nothing.
func Existing(dir string) (FS, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of records: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("folder of records: %s is not a folder", dir)
	}
	return folder(dir), nil
}

type folder string

func (d folder) Dir() string { return string(d) }

func (d folder) path(name string) string { return filepath.Join(string(d), name) }

func (d folder) List() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d folder) Open(name string) (File, error) { return d.open(name, os.O_RDONLY) }

func (d folder) Append(name string) (File, error) {
	f, err := d.open(name, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	info, err := f.(file).Stat()
	if err == nil && info.Mode().Perm()&0o200 == 0 { // root may write to everything
		err = &os.PathError{Op: "open", Path: d.path(name), Err: os.ErrPermission}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (d folder) Create(name string) (File, error) {
	f, err := d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if errors.Is(err, fs.ErrNotExist) { // the folder
		if err := os.MkdirAll(string(d), 0o700); err != nil {
			return nil, err
		}
		return d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	}
	return f, err
}

func (d folder) open(name string, flags int) (File, error) {
	// Opening a pipe would wait for the other end of it.
	f, err := os.OpenFile(d.path(name), flags|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: d.path(name), Err: errors.New("it is not a regular file")}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return file{f}, nil
}

func (d folder) Remove(name string) error { return os.Remove(d.path(name)) }

func (d folder) Protect(name string) error { return os.Chmod(d.path(name), 0o400) }

func (d folder) SyncDir() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type file struct{ *os.File }

// Size implements File.
func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// DropCache implements File. Where it is not possible, the cache is read.
func (f file) DropCache() {
	_ = pinned.Do(f.File, func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })
}
