package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/meshos/meshos/internal/flock"
	"golang.org/x/sys/unix"
)

// lockName is the file that is locked. It is not removed when the lock is released: then
// two processes could lock two files of the same name.
const lockName = "appender-jsonl.lock"

// folderLock keeps other processes from writing a folder. The kernel releases it when the
// process ends, however it ends.
type folderLock struct{ f *os.File }

// errOurs means that this process itself holds the lock: the instance before this one has
// not ended yet.
var errOurs = errors.New("the instance before this one still writes to the folder")

// lockFolder takes the lock without waiting. The error is errOurs, or it names the process
// that holds the lock.
func lockFolder(dir string) (*folderLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock.TryExclusive(f); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		holder, _ := io.ReadAll(io.LimitReader(f, 100))
		if len(holder) > 0 && bytes.Equal(holder, whoami()) {
			return nil, errOurs
		}
		return nil, fmt.Errorf("%s is in use by another process (%s): configure a folder of its own for each node, or end that process",
			dir, bytes.TrimSpace(holder))
	}
	err = errors.Join(f.Truncate(0), writeAt0(f, whoami()))
	if err != nil {
		_ = flock.Close(f)
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return &folderLock{f}, nil
}

func writeAt0(f *os.File, data []byte) error {
	_, err := f.WriteAt(data, 0)
	return err
}

func (l *folderLock) release() error { return flock.Close(l.f) }

// whoami returns a text that identifies this process. A pid alone is used again, and means
// another process in another container.
func whoami() []byte {
	start := "unknown"
	if stat, err := os.ReadFile("/proc/self/stat"); err == nil {
		// The 20th field after the name, which stands in brackets and may contain spaces
		// and brackets.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 19 {
			start = string(fields[19])
		}
	}
	return fmt.Appendf(nil, "pid %d started %s", os.Getpid(), start)
}
