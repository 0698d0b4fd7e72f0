package readfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Within is how long a file system may take for one file.
const Within = 5 * time.Second

// Limits by what is read. Each is far above what is real.
const (
	MaxText    = 4 << 20 // configurations, keys, signatures, events
	MaxProgram = 1 << 30 // plugins
)

// Read reads a regular file of at most so many bytes. The error is a *NotRegularError, a
// *TooLargeError, a *HungError, a *LeasedError, or that of the system.
func Read(path string, most int64) ([]byte, error) { return ReadWithin(path, most, Within) }

// ReadWithin is Read with another time.
func ReadWithin(path string, most int64, within time.Duration) ([]byte, error) {
	return call(context.Background(), request{Op: opRead, Path: path, Most: most, Within: within}).data()
}

func readNow(path string, most int64, within time.Duration) ([]byte, error) {
	f, info, err := open(path, within)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info.Size() > most {
		return nil, &TooLargeError{Path: path, Most: most}
	}
	return All(path, f, most) // it may grow, or have no size, as files of /proc
}

// All reads a stream to its end, if it has at most so many bytes; else the error is a
// *TooLargeError with this name.
func All(name string, r io.Reader, most int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(raw)) > most {
		return nil, &TooLargeError{Path: name, Most: most}
	}
	return raw, err
}

// Open opens a regular file for reading. Errors are those of Read. What is read of it may
// still hang: Do bounds that.
func Open(path string) (*os.File, fs.FileInfo, error) {
	type opened struct {
		file *os.File
		info fs.FileInfo
	}
	got, err := wait(context.Background(), path, Within, func() (o opened, err error) {
		o.file, o.info, err = open(path, Within)
		return o, err
	}, func(o opened) { _ = o.file.Close() })
	return got.file, got.info, err
}

// Stat returns what is known of a file of any kind, within the time.
func Stat(path string) (fs.FileInfo, error) {
	return Do(path, Within, func() (fs.FileInfo, error) { return os.Stat(path) })
}

// Do calls f, which does something with the file and may hang in the kernel. After that
// time it gives up with a *HungError, and f goes on in its goroutine until the kernel
// answers. Until then no other f is called for the same path: it would hang as well.
func Do[T any](path string, within time.Duration, f func() (T, error)) (T, error) {
	return wait(context.Background(), path, within, f, nil)
}

// DoContext is Do that also gives up when ctx ends, with the context's error.
func DoContext[T any](ctx context.Context, path string, within time.Duration, f func() (T, error)) (T, error) {
	return wait(ctx, path, within, f, nil)
}

// open opens a file without waiting for whoever is at the other end of a pipe or holds a
// lease. Nothing but a regular file is opened at all, since that alone can do something: a
// tape is wound back, a watchdog is armed.
func open(path string, within time.Duration) (*os.File, fs.FileInfo, error) {
	deadline := time.Now().Add(within)
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, asOpen(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &NotRegularError{Path: path, What: kind(info.Mode())}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	for errors.Is(err, syscall.EAGAIN) { // the first try has asked for the lease
		if time.Now().After(deadline) {
			return nil, nil, &LeasedError{Path: path, After: within}
		}
		time.Sleep(leasePause)
		f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() { // another file has the name by now
		err = &NotRegularError{Path: path, What: kind(info.Mode())}
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// leasePause is the time between two tries to open a file with a lease.
const leasePause = 20 * time.Millisecond

// asOpen makes the error of a stat read as that of the open that it stands for.
func asOpen(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return &fs.PathError{Op: "open", Path: path.Path, Err: path.Err}
	}
	return err
}

// WithoutBOM returns a text without the byte-order mark that some editors put before it.
func WithoutBOM[T string | []byte](text T) T {
	if len(text) >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF {
		return text[3:]
	}
	return text
}
