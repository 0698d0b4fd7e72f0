package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
)

// SmallDisk mounts an empty disk of a few bytes at a folder. The test is skipped where this
// user may not mount.
func SmallDisk(t testing.TB, dir string, size int) {
	t.Helper()
	makeDir(t, dir)
	if err := unix.Mount("small", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d", size)); err != nil {
		testneeds.Missing(t, "needs the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// Fill writes a file on a disk until it is full, and returns the file.
func Fill(t testing.TB, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 16; size > 0; size /= 2 { // to the last byte
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	return f.Name()
}

// ReadOnly makes a disk that nobody writes to read-only, or writable again.
func ReadOnly(t testing.TB, dir string, readOnly bool) {
	t.Helper()
	flags := uintptr(unix.MS_REMOUNT | unix.MS_NOSUID | unix.MS_NODEV)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("small", dir, "tmpfs", flags, ""); err != nil {
		t.Fatal(err)
	}
}

// BreakingDisk mounts a disk at a folder that turns read-only, with files open, when fail is
// called: as file systems do that find a mistake in themselves. The test is skipped where this
// user may not mount, or lacks mkfs.ext4.
func BreakingDisk(t testing.TB, dir string) (fail func()) {
	t.Helper()
	testneeds.Root(t, "mount a disk")
	makeDir(t, dir)
	image := filepath.Join(t.TempDir(), "disk")
	for _, command := range []string{
		"truncate -s 48M " + image,
		"mkfs.ext4 -q -F " + image,
		"mount -o loop,errors=remount-ro " + image + " " + dir,
	} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			testneeds.Missing(t, "needs a disk that can fail: %s: %v: %s", command, err, out)
		}
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	source, err := exec.Command("findmnt", "-no", "SOURCE", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(source))), "trigger_fs_error")
	if _, err := os.Stat(trigger); err != nil {
		testneeds.Missing(t, "needs a file system that can be made to fail: %v", err)
	}
	return func() {
		t.Helper()
		_ = os.WriteFile(trigger, []byte("1"), 0) // it fails, too
		if err := os.WriteFile(filepath.Join(dir, "still"), nil, 0o600); !errors.Is(err, unix.EROFS) {
			t.Fatalf("the disk is not read-only: %v", err)
		}
	}
}

func makeDir(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}
