package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/process/order"
)

// Program is a private copy of a file, for a Spec: what its reader reads is what is
// executed, whatever becomes of the file. Close it once it is started.
type Program struct {
	name   string // that its processes have in ps
	file   *os.File
	size   int64
	script bool
	sealed bool
	// Mode and ModTime are those of the file.
	Mode    fs.FileMode
	ModTime time.Time
	// Device, Inode and Changed tell which version of which file it is a copy of: Changed is
	// when the file's content, mode or owner changed last, in nanoseconds since 1970.
	Device, Inode uint64
	Changed       int64
	// FileSystem is the kind of its file system, as statfs(2) has it; 0 if that is not known.
	FileSystem uint64
}

// LoadOptions are what Load works with.
type LoadOptions struct {
	// MaxSize is the size of the largest file that is copied, in bytes.
	MaxSize int64
	// Dir is where the copy is made if the system does not let this process execute
	// memory. Nothing is left there.
	Dir string
}

// LoadError says why a file could not be copied.
type LoadError struct {
	Path string
	// Mode and Size are those of the file; 0 if it could not be examined.
	Mode  fs.FileMode
	Size  int64
	Cause LoadCause
	Err   error // of the system; nil if it is only what the cause says
}

// LoadCause is why a file could not be copied.
type LoadCause uint8

// The causes.
const (
	LoadOpen     LoadCause = iota // it can't be opened or examined
	LoadKind                      // it is not a regular file
	LoadTooLarge                  // it is larger than MaxSize
	LoadRead                      // it can't be read
	LoadStore                     // its copy can't be made, which is the host's fault
	LoadBusy                      // it is being written
)

// Error implements error.
func (e *LoadError) Error() string {
	switch e.Cause {
	case LoadKind:
		return e.Path + " is not a regular file"
	case LoadTooLarge:
		return fmt.Sprintf("%s is too large: %d bytes", e.Path, e.Size)
	case LoadRead:
		return fmt.Sprintf("%s can't be read: %v", e.Path, e.Err)
	case LoadBusy:
		return e.Path + " is being written"
	case LoadStore:
		return fmt.Sprintf("%s can't be copied: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s can't be opened: %v", e.Path, e.Err)
}

// Unwrap returns the error of the system.
func (e *LoadError) Unwrap() error { return e.Err }

// Load copies a file, so that what is examined and what is executed are the same bytes. A
// helper reads it: however long that takes, only the caller waits, until ctx ends. The error
// is a *LoadError, or one of Start.
//
// The copy is in memory, sealed: nobody can change it any more, this process included.
func (s *Spawner) Load(ctx context.Context, path string, o LoadOptions) (*Program, error) {
	p := &Program{name: filepath.Base(path)}
	var err error
	if p.file, p.sealed, err = newCopy(p.name, o.Dir); err != nil {
		return nil, &LoadError{Path: path, Cause: LoadStore, Err: err}
	}
	if err := s.load(ctx, p, path, o.MaxSize); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (s *Spawner) load(ctx context.Context, p *Program, path string, maxSize int64) error {
	helper, last, err := s.help(ctx, order.Order{Program: order.Copy, Path: path, MaxSize: uint64(maxSize)}, helperStart{}, nil, p.file)
	if err != nil {
		if !isStartError(err) {
			err = fmt.Errorf("read %s: %w", path, err)
		}
		return err
	}
	helper.abandon() // it ends by itself
	p.Mode, p.ModTime, p.size = fileMode(last.Mode), time.Unix(0, last.Mtime), int64(last.Size)
	p.Device, p.Inode, p.Changed = last.Device, last.Inode, last.Ctime
	p.FileSystem = last.FileSystem
	failed := &LoadError{Path: path, Mode: p.Mode, Size: p.size}
	if last.Errno != 0 {
		failed.Err = syscall.Errno(last.Errno)
	}
	switch last.Step {
	case order.Copied:
	case order.AtKind:
		failed.Cause = LoadKind
		return failed
	case order.AtSize:
		failed.Cause = LoadTooLarge
		return failed
	case order.AtRead:
		failed.Cause = LoadRead
		return failed
	case order.AtBusy:
		failed.Cause = LoadBusy
		return failed
	case order.AtWrite:
		failed.Cause = LoadStore
		return failed
	default:
		failed.Cause = LoadOpen
		return failed
	}
	if err := p.seal(); err != nil {
		failed.Cause, failed.Err = LoadStore, err
		return failed
	}
	return nil
}

// newCopy returns an empty file for a copy that can be executed, and whether it can be
// sealed.
func newCopy(name, dir string) (f *os.File, sealable bool, err error) {
	name = name[:min(len(name), 200)] // the system takes 249 bytes
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3, where all can be executed
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), name), true, nil
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		f, err = newFileCopy(dir)
		return f, false, err
	}
	return nil, false, os.NewSyscallError("memfd_create", err)
}

// newFileCopy returns an empty file that has no name any more.
func newFileCopy(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".program-*")
	if err != nil {
		return nil, err
	}
	err = errors.Join(f.Chmod(0o500), os.Remove(f.Name()))
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// seal ends all writing to the copy, and finds out what it is.
func (p *Program) seal() error {
	if p.sealed {
		const seals = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
		if _, err := unix.FcntlInt(p.file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
			return fmt.Errorf("seal it: %w", err)
		}
	} else {
		// A file that is open for writing can't be executed.
		f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", p.file.Fd()))
		if err != nil {
			return err
		}
		_ = p.file.Close()
		p.file = f
	}
	var begin [2]byte
	n, err := p.file.ReadAt(begin[:], 0)
	if err != nil && err != io.EOF {
		return err
	}
	p.script = string(begin[:n]) == "#!"
	return nil
}

// Close frees the copy, unless a process executes it.
func (p *Program) Close() { _ = p.file.Close() }

// Size returns its size in bytes.
func (p *Program) Size() int64 { return p.size }

// Sealed reports whether nobody can change it. Otherwise processes of this user can.
func (p *Program) Sealed() bool { return p.sealed }

// Reader reads it from its beginning.
func (p *Program) Reader() io.Reader { return io.NewSectionReader(p.file, 0, p.size) }

// order returns an order that executes it; the order itself if p is nil.
func (p *Program) order(o order.Order) order.Order {
	switch {
	case p == nil:
	case p.script:
		o.Program = order.ScriptByDescriptor
	default:
		o.Program = order.ByDescriptor
	}
	return o
}

// descriptor returns its file; nil if p is nil.
func (p *Program) descriptor() *os.File {
	if p == nil {
		return nil
	}
	return p.file
}

// fileMode translates a mode of stat(2).
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		m |= fs.ModeDir
	case syscall.S_IFREG:
	case 0:
	default:
		m |= fs.ModeIrregular
	}
	if mode&syscall.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&syscall.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	return m
}
