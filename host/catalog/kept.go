package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/process"
)

// program is a copy of a plugin's file.
type program struct {
	*process.Program
	file fileStamp // as it was before the copy was made
	fit  bool      // to be kept
	kept bool

	once   sync.Once
	hashed chan struct{} // closed once the following are set
	sum    string        // in hex
	err    error
}

func newProgram(copied *process.Program, file fileStamp, began time.Time) *program {
	return &program{Program: copied, file: file, fit: fitToKeep(copied, file, began), hashed: make(chan struct{})}
}

// hash returns the hash of the copy. It is in memory, or in the data directory: that takes a
// few milliseconds.
func (p *program) hash() (string, error) {
	p.once.Do(func() {
		defer close(p.hashed)
		h := sha256.New()
		if _, p.err = io.Copy(h, p.Reader()); p.err == nil {
			p.sum = hex.EncodeToString(h.Sum(nil))
		}
	})
	return p.sum, p.err
}

// known returns the hash if it was computed; "" otherwise.
func (p *program) known() string {
	select {
	case <-p.hashed:
		return p.sum
	default:
		return ""
	}
}

// done frees the copy, unless it is kept.
func (p *program) done() {
	if !p.kept {
		p.Close()
	}
}

// settledAfter is how long ago a file must have changed last for its times to tell that version
// from a later one: those of a file system can be that coarse.
const settledAfter = 2 * time.Second

// fitToKeep reports whether a copy can stand for its file as long as that looks the same: if
// nobody can change the copy, it was made of the version that was looked at, that had not
// just been written when the copy was begun, and its file system tells of every change.
func fitToKeep(copied *process.Program, file fileStamp, began time.Time) bool {
	same := file.exists && file.device == copied.Device && file.inode == copied.Inode &&
		file.changed == copied.Changed && file.size == copied.Size()
	return copied.Sealed() && same && tellsChanges(copied.FileSystem) && began.Sub(time.Unix(0, file.changed)) >= settledAfter
}

// tellsChanges reports whether a file on a file system of this kind never changes without its time
// of change. That is so on those of disks. It is not so on tmpfs, where a write through a mapping
// can leave it, nor where another machine or program keeps the times (NFS, FUSE, 9p), and what is
// below an overlay is not known.
func tellsChanges(kind uint64) bool {
	const zfs, bcachefs = 0x2FC12FC1, 0xCA451A4E
	switch kind & 0xFFFF_FFFF { // some architectures sign it
	case unix.EXT4_SUPER_MAGIC, // and ext2, ext3
		unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1, zfs, bcachefs:
		return true
	}
	return false
}

// kept is the copy of the last start. A file that did not change is neither read nor hashed
// again: its copy can't have changed either. While the process of that start runs, it takes no
// memory of its own. The zero value keeps none.
type kept struct{ program *program }

// of returns the copy of this version of a file; nil if there is none.
func (k *kept) of(now fileStamp) *program {
	if k.program == nil || k.program.file != now {
		return nil
	}
	return k.program
}

// keep keeps a copy if that may be done.
func (k *kept) keep(p *program) {
	if p.fit {
		p.kept = true
		k.program = p
	}
}

// drop frees the copy.
func (k *kept) drop() {
	if k.program != nil {
		k.program.Close()
		k.program = nil
	}
}
