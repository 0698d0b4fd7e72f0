package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestASecondNodeOnADataDirectoryIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var")
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(dir)
	var busy *BusyError
	if !errors.As(err, &busy) || busy.PID != os.Getpid() || busy.Dir != dir {
		t.Fatalf("got %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = Lock(dir)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	_ = unlock()
}

// Before, whoever deleted the file let a second node in.
func TestADeletedLockFileLetsNobodyIn(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(string) error{
		os.Remove,
		func(path string) error { return os.WriteFile(path, []byte("77\n"), 0o600) },
	} {
		if err := change(filepath.Join(dir, "lock")); err != nil {
			t.Fatal(err)
		}
		var busy *BusyError
		if _, err := Lock(dir); !errors.As(err, &busy) {
			t.Fatalf("got %v", err)
		}
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = Lock(dir); err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	_ = unlock()
}

// Nodes of versions that lock only the file, and this one, keep each other out.
func TestANodeOfAnOlderVersionIsKeptOutAndKeepsOut(t *testing.T) {
	dir := t.TempDir()
	older := func() (*os.File, error) {
		f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return f, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	f, err := older()
	if err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if _, err := Lock(dir); !errors.As(err, &busy) {
		t.Errorf("got %v", err)
	}
	_ = f.Close()
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err = older()
	if !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("the older one got %v", err)
	}
	_ = f.Close()
	_ = unlock()
}

func TestAPipeInPlaceOfTheLockFileIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "lock"), 0o600); err != nil {
		t.Fatal(err)
	}
	if unlock, err := Lock(dir); err == nil {
		_ = unlock()
	}
}
