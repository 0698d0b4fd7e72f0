package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// disk is what this plugin needs of a folder. Tests replace it by one with faults.
type disk interface {
	// open opens a file for reading and writing. With create it makes the file.
	open(name string, create bool) (file, error)
	stat(name string) (fs.FileInfo, error)
	rename(from, to string) error
	remove(name string) error
	// list returns the names of all files.
	list() ([]string, error)
	// sync makes the names durable, after a file was made, renamed or removed.
	sync() error
}

// file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Stat() (fs.FileInfo, error)
	Close() error
	// born returns when the file was made, or when it was last written if the file
	// system does not know.
	born() (time.Time, error)
}

// folder is the real disk.
type folder string

func (d folder) path(name string) string { return filepath.Join(string(d), name) }

func (d folder) open(name string, create bool) (file, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(d.path(name), flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d folder) stat(name string) (fs.FileInfo, error) { return os.Lstat(d.path(name)) }
func (d folder) rename(from, to string) error          { return os.Rename(d.path(from), d.path(to)) }
func (d folder) remove(name string) error              { return os.Remove(d.path(name)) }

func (d folder) list() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d folder) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type osFile struct{ *os.File }

func (f osFile) born() (time.Time, error) {
	var st unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME|unix.STATX_MTIME, &st)
	if err != nil {
		return time.Time{}, fmt.Errorf("statx %s: %w", f.Name(), err)
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		return time.Unix(st.Btime.Sec, int64(st.Btime.Nsec)), nil
	}
	return time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)), nil
}
