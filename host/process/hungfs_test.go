package process_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

// hungFolder mounts a file system that answers nothing. Whoever looks something up in it
// waits in the kernel and can't be killed, until let go.
func hungFolder(t *testing.T) (dir string, letGo func()) {
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
	letGo = func() {
		_ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH)
		<-served
		_ = dev.Close()
	}
	return dir, letGo
}

func TestWhatHangsInTheKernelIsSaidAndLeftAlone(t *testing.T) {
	s := spawner(t)
	dir, letGo := hungFolder(t)
	defer func() { letGo() }()
	hung := filepath.Join(dir, "program")
	var left []*process.Process
	for name, start := range map[string]func(ctx context.Context) error{
		"a program": func(ctx context.Context) error {
			_, err := s.Start(ctx, process.Spec{Path: hung})
			return err
		},
		"a folder": func(ctx context.Context) error {
			_, err := s.Start(ctx, process.Spec{Path: "/bin/true", Dir: hung})
			return err
		},
		"a file to copy": func(ctx context.Context) error {
			_, err := s.Load(ctx, hung, process.LoadOptions{MaxSize: 1 << 20, Dir: t.TempDir()})
			return err
		},
	} {
		abandoned := (*process.AbandonedError)(nil)
		var err error
		// A busy machine may need longer to get to where it hangs.
		for within := 100 * time.Millisecond; within < 30*time.Second && !errors.As(err, &abandoned); within *= 4 {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			err = start(ctx)
			cancel()
		}
		if !errors.As(err, &abandoned) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "hangs in the kernel and can't be killed") {
			t.Fatalf("%s: %v", name, err)
		}
		left = append(left, abandoned.Process)
	}
	if e := exit(t, sh(t, s, "exit 0")); !e.Clean() {
		t.Errorf("another start: %v", e)
	}
	for _, p := range left {
		select {
		case <-p.Collected():
			t.Error("it could be killed after all")
		default:
		}
		if e := p.Stop(context.Background(), syscall.SIGKILL, 0); !e.Stuck || e.Clean() || !strings.Contains(e.String(), "still there") {
			t.Errorf("ended with %v", e)
		}
	}
	letGo()
	letGo = func() {}
	for _, p := range left {
		select {
		case <-p.Collected():
		case <-time.After(30 * time.Second):
			t.Errorf("process %d (%c) is still there", p.Pid(), testkit.State(p.Pid()))
		}
	}
}
