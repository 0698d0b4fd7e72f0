// Package hangfs is a file system for tests that stops answering when it is told to, as a
// network file system does whose server is gone: whoever looks at a path in it waits in the
// kernel, and can't be killed either, until it answers again.
package hangfs

import (
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
)

// FS is a mounted file system. It shows a folder of the test's own.
type FS struct {
	// Dir is where it is mounted.
	Dir string
	// Behind is the folder that it shows. It answers always.
	Behind string

	mu      sync.Mutex
	answer  chan struct{} // closed while it answers
	from    int64         // if not negative only what is in files waits, from this byte on
	waiting int           // requests that wait for it

	end func()
}

// Hung mounts a file system that answers nothing.
func Hung(t testing.TB) *FS {
	t.Helper()
	f := Mount(t)
	f.Hang()
	return f
}

// Mount mounts a file system that answers. The end of the test ends it. The test is skipped
// where this user may not mount.
func Mount(t testing.TB) *FS {
	t.Helper()
	testneeds.Root(t, "mount a file system")
	f := &FS{Dir: t.TempDir(), Behind: t.TempDir(), answer: make(chan struct{}), from: -1}
	close(f.answer)
	root, err := fs.NewLoopbackRoot(f.Behind)
	if err != nil {
		t.Fatal(err)
	}
	// A process that inherits the descriptor keeps the file system from being given up, and
	// may itself hang in it.
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		testneeds.Missing(t, "needs FUSE: %v", err)
	}
	if err := unix.Mount("hangfs", f.Dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", device, os.Getuid(), os.Getgid())); err != nil {
		_ = unix.Close(device)
		testneeds.Missing(t, "needs the right to mount: %v", err)
	}
	server, err := fuse.NewServer(&gate{RawFileSystem: fs.NewNodeFS(root, &fs.Options{}), fs: f}, fmt.Sprintf("/dev/fd/%d", device),
		&fuse.MountOptions{
			MaxBackground:        1 << 10,
			Logger:               log.New(io.Discard, "", 0), // of answers that nobody waits for any more
			DisabledCapabilities: fuse.CAP_PASSTHROUGH,       // with it the kernel would not ask for what is in a file
		})
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve()
	f.end = sync.OnceFunc(func() {
		f.LetGo()
		// By force, since a mount namespace that was made meanwhile has it mounted, too.
		if err := unix.Unmount(f.Dir, unix.MNT_FORCE|unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		server.Wait()
	})
	t.Cleanup(f.end)
	return f
}

// End lets go of all that waits, and unmounts the file system: Dir is an empty folder then.
func (f *FS) End() { f.end() }

// Hang makes it answer nothing more.
func (f *FS) Hang() { f.hang(-1) }

// HangFrom makes it answer nothing more of what is in files from this byte on: a program of which
// only the beginning can be read hangs while it is being executed.
func (f *FS) HangFrom(offset int64) { f.hang(offset) }

func (f *FS) hang(from int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer, f.from = make(chan struct{}), from
}

// LetGo makes it answer all that waits and all that comes.
func (f *FS) LetGo() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.answer:
	default:
		close(f.answer)
	}
}

// Waiting returns how many requests wait for an answer. Whoever sent one can't be killed.
func (f *FS) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

// wait waits for whoever looks at a path.
func (f *FS) wait() { f.waitAt(-1) }

// waitAt waits for whoever reads up to a byte of a file.
func (f *FS) waitAt(end int64) {
	f.mu.Lock()
	answer := f.answer
	if f.from >= 0 && end <= f.from {
		f.mu.Unlock()
		return
	}
	f.waiting++
	f.mu.Unlock()
	<-answer
	f.mu.Lock()
	f.waiting--
	f.mu.Unlock()
}

// gate has every request for a path or for what is in a file wait.
type gate struct {
	fuse.RawFileSystem
	fs *FS
}

func (g *gate) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	g.fs.wait()
	return g.RawFileSystem.Lookup(cancel, header, name, out)
}

func (g *gate) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	g.fs.wait()
	return g.RawFileSystem.GetAttr(cancel, in, out)
}

func (g *gate) Access(cancel <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	g.fs.wait()
	return g.RawFileSystem.Access(cancel, in)
}

func (g *gate) StatFs(cancel <-chan struct{}, header *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	g.fs.wait()
	return g.RawFileSystem.StatFs(cancel, header, out)
}

func (g *gate) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	g.fs.wait()
	return g.RawFileSystem.Open(cancel, in, out)
}

func (g *gate) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	g.fs.wait()
	return g.RawFileSystem.OpenDir(cancel, in, out)
}

func (g *gate) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	g.fs.waitAt(int64(in.Offset) + int64(in.Size))
	return g.RawFileSystem.Read(cancel, in, buf)
}
