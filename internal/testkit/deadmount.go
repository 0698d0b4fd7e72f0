package testkit

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
)

// DeadMount mounts a file system that never answers, until end is called or the test
// ends; whoever waits for it then gets an error. The test is skipped where this user may
// not mount.
func DeadMount(t testing.TB) (dir string, end func()) {
	t.Helper()
	dir = t.TempDir()
	fuse, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		testneeds.Missing(t, "needs FUSE: %v", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fuse, os.Getuid(), os.Getgid())
	if err := unix.Mount("dead", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(fuse)
		testneeds.Missing(t, "needs the right to mount: %v", err)
	}
	end = sync.OnceFunc(func() {
		_ = unix.Close(fuse)
		_ = unix.Unmount(dir, unix.MNT_DETACH)
	})
	t.Cleanup(end)
	return dir, end
}
