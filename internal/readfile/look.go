package readfile

import (
	"context"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Info is what is known of a file of any kind.
type Info struct {
	Mode    fs.FileMode
	Size    int64
	ModTime time.Time
	Device  uint64
	Inode   uint64
	// Changed is when its content, mode or owner changed last, in nanoseconds since 1970.
	Changed int64
	// Executable reports whether this user may execute it.
	Executable bool
	// Written reports whether some process has it open for writing. Only the owner of a file
	// and root can find that out.
	Written bool
	// Local reports whether it is on a file system for which this machine's kernel answers, and
	// neither another machine nor another program: a disk's, or one in memory.
	Local bool
}

// Look returns what the system knows of a file. The error is a *HungError, that of ctx, or
// that of the system.
func Look(ctx context.Context, path string, within time.Duration) (Info, error) {
	return call(ctx, request{Op: opLook, Path: path, Within: within}).info()
}

// Examine is Look that also reads a byte of a regular file, since a file system that does not
// answer any more may have answered the question of what the file is.
func Examine(ctx context.Context, path string, within time.Duration) (Info, error) {
	return call(ctx, request{Op: opExamine, Path: path, Within: within}).info()
}

func look(path string, deep bool) (Info, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	out := Info{Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		out.Device, out.Inode, out.Changed = uint64(sys.Dev), sys.Ino, sys.Ctim.Nano()
	}
	var system syscall.Statfs_t
	if syscall.Statfs(path, &system) == nil {
		out.Local = local(uint64(system.Type))
	}
	if !deep || !info.Mode().IsRegular() {
		return out, nil
	}
	out.Executable = syscall.Faccessat(atFdcwd, path, xOK, atEaccess) == nil
	// A file that this user may not read can be executed all the same.
	if f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
		_, _ = f.Read(make([]byte, 1))
		for tries := 0; ; tries++ {
			// A process that is being started has all files of its parent for a moment.
			if out.Written = written(int(f.Fd())); !out.Written || tries == 3 {
				break
			}
			time.Sleep(leasePause)
		}
		_ = f.Close()
	}
	return out, nil
}

// written reports whether somebody has an open file open for writing: it can't be leased then.
// It is false where this user may not lease it, or the file system has no leases.
func written(fd int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETLEASE, syscall.F_RDLCK)
	if errno == 0 {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETLEASE, syscall.F_UNLCK)
	}
	return errno == syscall.EAGAIN
}

// local reports whether file systems of this kind need nobody else.
func local(kind uint64) bool {
	const (
		ext, xfs, btrfs, f2fs, zfs, bcachefs = 0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0xCA451A4E
		squashfs, erofs                      = 0x73717368, 0xE0F5E1E2
		tmpfs, ramfs, overlay                = 0x01021994, 0x858458F6, 0x794C7630
	)
	switch kind & 0xFFFF_FFFF { // some architectures sign it
	case ext, xfs, btrfs, f2fs, zfs, bcachefs, squashfs, erofs, tmpfs, ramfs, overlay:
		return true
	}
	return false
}

// Constants of faccessat(2) that package syscall does not have.
const (
	atFdcwd   = -100
	xOK       = 1
	atEaccess = 0x200
)
