package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// fileStamp tells one version of a file from another without reading it.
type fileStamp struct {
	exists bool
	size   int64
	mtime  time.Time
	inode  uint64
	mode   fs.FileMode
}

// stampOf returns the stamp of a file. A file that can't be examined counts as missing.
func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return stampFrom(info)
}

func stampFrom(info fs.FileInfo) fileStamp {
	s := fileStamp{exists: true, size: info.Size(), mtime: info.ModTime(), mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s
}

// verify hashes a plugin's binary and compares the hash with the pin of its entry. It
// returns the hash in hex, also with an error if it got so far.
func verify(ctx context.Context, e Entry) (string, error) {
	fail := func(step, problem, remedy string, err error) error {
		return &Error{Plugin: e.Name, Step: step, Problem: problem, Remedy: remedy, Rejected: true, Err: err}
	}
	f, err := os.OpenFile(e.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe would wait for its writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fail("start", e.Path+" does not exist", `build it with "make build" or set path`, err)
	case errors.Is(err, fs.ErrPermission):
		return "", fail("start", e.Path+" can't be read: permission denied", "let the host's user read and execute it", err)
	case err != nil:
		return "", fail("start", fmt.Sprintf("%s can't be opened: %v", e.Path, errors.Unwrap(err)), "set path to a binary", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", fail("start", err.Error(), "check the file system that it is on", err)
	case info.IsDir():
		return "", fail("start", e.Path+" is a directory", "set path to the binary in it", nil)
	case !info.Mode().IsRegular():
		return "", fail("start", e.Path+" is not a regular file", "set path to a binary", nil)
	case info.Mode()&0o111 == 0:
		return "", fail("start", fmt.Sprintf("%s is not executable (mode %v)", e.Path, info.Mode()), "chmod +x it", nil)
	}
	h := sha256.New()
	if _, err := io.Copy(h, &ctxReader{ctx, f}); err != nil {
		return "", &Error{
			Plugin: e.Name, Step: "verify", Problem: fmt.Sprintf("%s can't be read: %v", e.Path, err),
			Remedy: "check the file system that it is on; it is tried again", Err: err,
		}
	}
	got := hex.EncodeToString(h.Sum(nil))
	if e.SHA256 != "" && got != e.SHA256 {
		return got, fail("verify",
			fmt.Sprintf("%s has the wrong checksum: expected sha256 %s, got %s (%d bytes, modified %s)",
				e.Path, e.SHA256, got, info.Size(), info.ModTime().UTC().Format(time.RFC3339)),
			fmt.Sprintf("if this is the file you want, put sha256 = %q into its entry in meshos.toml", got), nil)
	}
	return got, nil
}

// ctxReader ends a long read with its context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
