package host

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestASecondNodeOnADataDirectoryIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var")
	unlock, err := lockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockDataDir(dir)
	var busy *DataDirBusyError
	if !errors.As(err, &busy) || busy.PID != os.Getpid() || busy.Dir != dir {
		t.Fatalf("got %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lockDataDir(dir)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	_ = unlock()
}
