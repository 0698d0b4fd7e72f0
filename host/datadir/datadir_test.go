package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
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
