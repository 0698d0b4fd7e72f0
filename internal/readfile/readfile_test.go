package readfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

func TestARegularFileIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path, 4)
	if err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err = Read("/proc/self/stat", 1<<20); err != nil || len(got) == 0 {
		t.Errorf("a file that does not say its size: %q, %v", got, err)
	}
}

func TestAMissingFileIsTheErrorOfTheSystem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	_, err := Read(path, 1)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "open "+path+": no such file or directory" {
		t.Error(err)
	}
	if _, err := Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	fifo, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "s")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for path, what := range map[string]string{
		fifo: "a pipe", socket: "a socket", dir: "a directory", "/dev/zero": "a device", "/dev/stdin": "",
	} {
		if _, err := Read(path, 10); what != "" {
			var not *NotRegularError
			if !errors.As(err, &not) || not.What != what {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestALargeFileIsRefusedWithoutReadingIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 300<<30); err != nil {
		testneeds.Missing(t, "needs a file system with sparse files: %v", err)
	}
	_, err := Read(path, MaxText)
	var large *TooLargeError
	if !errors.As(err, &large) || err.Error() != path+" is larger than 4 MiB" {
		t.Error(err)
	}
}

// An open would wait up to 45 s for a lease.
func TestALeaseOfAnotherIsNotWaitedForLongerThanTheTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		testneeds.Missing(t, "needs leases: %v", err)
	}
	_, err = ReadWithin(path, 10, 50*time.Millisecond)
	var leased *LeasedError
	var hung *HungError // if the machine is slow
	if !errors.As(err, &leased) && !errors.As(err, &hung) {
		t.Error(err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "no call hangs", func() bool { return !hangs(path) })
	if _, err := Read(path, 10); err != nil {
		t.Errorf("after it was given back: %v", err)
	}
}
