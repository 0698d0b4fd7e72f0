package testkit

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
)

// HungMount mounts a file system that answers nothing. Whoever looks something up in it
// waits in the kernel and can't be killed, until letGo is called or the test ends.
func HungMount(t testing.TB) (dir string, letGo func()) {
	t.Helper()
	testneeds.Root(t, "mount a file system")
	dir = t.TempDir()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		testneeds.Missing(t, "needs FUSE: %v", err)
	}
	dev := os.NewFile(uintptr(fd), "fuse")
	if err := unix.Mount("hung", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)); err != nil {
		_ = dev.Close()
		testneeds.Missing(t, "needs the right to mount: %v", err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		b := make([]byte, 1<<17)
		for {
			n, err := unix.Read(fd, b)
			if err == unix.EINTR || err == unix.EAGAIN {
				continue
			}
			if err != nil {
				return // unmounted
			}
			const headerSize, opcodeInit = 40, 26
			if n < headerSize || binary.NativeEndian.Uint32(b[4:]) != opcodeInit {
				continue // this is what nobody gets an answer to
			}
			answer := make([]byte, 16+64)
			binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
			copy(answer[8:16], b[8:16])
			binary.NativeEndian.PutUint32(answer[16:], 7)
			binary.NativeEndian.PutUint32(answer[20:], 31)
			binary.NativeEndian.PutUint32(answer[36:], 1<<16) // the largest write
			_, _ = unix.Write(fd, answer)
		}
	}()
	letGo = sync.OnceFunc(func() {
		_ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH)
		<-served
		_ = dev.Close()
	})
	t.Cleanup(letGo)
	return dir, letGo
}
