package records

import (
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/mesh"
)

// State is how a chain fares on disk.
type State struct {
	Bytes int64
	// Limit is from how many bytes on old records are dropped or, for audit, ordinary
	// commands are refused; 0 for never.
	Limit int64
	// Through is the seq of the present epoch through which the records are on disk.
	Through uint64
	// Lost counts the records of this epoch for which there is a gap on disk.
	Lost uint64
	// Failures counts the writes and syncs that failed.
	Failures uint64
}

// State returns how a chain fares.
func (r *Records) State(c mesh.RecordChain) State {
	s := State{Bytes: r.logs[c].Bytes(), Limit: r.opts.KeepSize, Failures: r.writeFails[c].Load()}
	if c == mesh.ChainAudit {
		s.Limit = r.opts.AuditLimit
	}
	s.Through, s.Lost = r.progress.fate(c)
	return s
}

// Free returns how many bytes the disk of the records has left for this user. The writer asks
// it now and then: a disk that hangs holds up nobody else.
func (r *Records) Free() (bytes uint64, known bool) {
	free := r.free.Load()
	return uint64(max(0, free)), free >= 0
}

// measure returns how many bytes a disk has left for this user, negative if it does not tell.
func measure(dir string) int64 {
	var s unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &s) != nil || s.Blocks == 0 {
		return -1
	}
	return int64(s.Bavail) * s.Bsize
}
