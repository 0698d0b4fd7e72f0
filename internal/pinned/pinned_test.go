package pinned

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// The number must not become that of a file which is opened meanwhile.
func TestACloseWaitsForTheUse(t *testing.T) {
	file := open(t, "one")
	err := Do(file, func(fd int) error {
		var before, after syscall.Stat_t
		err := errors.Join(syscall.Fstat(fd, &before), file.Close())
		open(t, "other")
		if err = errors.Join(err, syscall.Fstat(fd, &after)); err == nil && before.Ino != after.Ino {
			t.Error("the number is that of another file")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := Do(file, func(int) error { return nil }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

func TestUseAndCloseAtOnce(t *testing.T) {
	for range 200 {
		file := open(t, "one")
		var both sync.WaitGroup
		both.Go(func() { _ = file.Close() })
		err := Do(file, func(fd int) error { var info syscall.Stat_t; return syscall.Fstat(fd, &info) })
		if err != nil && !errors.Is(err, os.ErrClosed) {
			t.Fatal(err)
		}
		both.Wait()
	}
}

func TestTheErrorOfTheUseIsReturned(t *testing.T) {
	if err := Do(open(t, "one"), func(int) error { return syscall.EIO }); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
