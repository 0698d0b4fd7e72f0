package api

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/snapshot"
)

// showWithin bounds how long a reader waits for a snapshot that shows what was answered.
const showWithin = time.Second

// latest returns the newest snapshot that shows the commands that were answered: a command is
// answered once its record is on disk, which may be a moment before the pass that shows its
// effect. It waits for that pass, for showWithin at most.
func (s *Service) latest(ctx context.Context) *snapshot.Snapshot {
	latest, answered := s.opts.Reader.Latest(), s.answered.Load()
	if newestAudit(latest) >= answered {
		return latest
	}
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	for latest = range follow.Snapshots(ctx, s.opts.Reader) {
		if newestAudit(latest) >= answered {
			break
		}
	}
	return latest
}

// noteAnswered notes the audit record of a command that is about to be answered.
func (s *Service) noteAnswered(seq uint64) {
	for old := s.answered.Load(); seq > old && !s.answered.CompareAndSwap(old, seq); {
		old = s.answered.Load()
	}
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}
