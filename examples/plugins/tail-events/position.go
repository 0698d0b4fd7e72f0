package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// position is how far a file was read: up to the end of a line.
type position struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"` // number of lines up to there
	// Head is the checksum of the file's first HeadBytes: another file may get the
	// same inode later.
	HeadBytes int64  `json:"head_bytes"`
	Head      uint32 `json:"head"`
}

// headMost is how many bytes of a file are compared to recognize it.
const headMost = 1024

// identity returns the position at the start of an open file.
func identity(f *os.File) (position, error) {
	info, err := f.Stat()
	if err != nil {
		return position{}, err
	}
	if !info.Mode().IsRegular() {
		return position{}, fmt.Errorf("%s is not a regular file", f.Name())
	}
	stat := info.Sys().(*syscall.Stat_t) // always, on Linux
	return position{Device: uint64(stat.Dev), Inode: stat.Ino}, nil
}

func (p position) same(other position) bool {
	return p.Device == other.Device && p.Inode == other.Inode
}

// head returns the checksum of the first n bytes.
func head(f *os.File, n int64) (uint32, error) {
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		return 0, err
	}
	return crc32.ChecksumIEEE(b), nil
}

// stamp updates the checksum until it covers headMost bytes.
func (p *position) stamp(f *os.File) {
	n := min(p.Offset, headMost)
	if n == p.HeadBytes {
		return
	}
	if sum, err := head(f, n); err == nil {
		p.HeadBytes, p.Head = n, sum
	}
}

// isIn reports whether an open file is the one of p, and still has everything that was
// read.
func (p position) isIn(f *os.File) bool {
	id, err := identity(f)
	if err != nil || !p.same(id) {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Size() < p.Offset {
		return false
	}
	sum, err := head(f, p.HeadBytes)
	return (err == nil || errors.Is(err, io.EOF)) && sum == p.Head
}

// find opens the file of p: at path or, if it was rotated, under another name in the same
// folder. It returns nil if there is none.
func (p position) find(path string) *os.File {
	names := []string{path}
	if siblings, err := os.ReadDir(filepath.Dir(path)); err == nil {
		for _, s := range siblings {
			info, err := s.Info()
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			if stat := info.Sys().(*syscall.Stat_t); stat.Ino == p.Inode {
				names = append(names, filepath.Join(filepath.Dir(path), s.Name()))
			}
		}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		if p.isIn(f) {
			return f
		}
		f.Close()
	}
	return nil
}

// loadPosition returns what an earlier process saved, or nil if there is nothing.
func loadPosition(file string) (*position, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var p position
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if p.Offset < 0 || p.HeadBytes < 0 || p.HeadBytes > headMost {
		return nil, fmt.Errorf("%s: not a position in a file", file)
	}
	return &p, nil
}

// savePosition writes a position to file. After a crash the file has the old or the new
// one.
func savePosition(file string, p position) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
