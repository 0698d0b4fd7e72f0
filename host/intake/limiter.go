package intake

import (
	"context"
	"fmt"
	"sync"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// maxUnshown is how many audit records may be on their way to the disk. The ring
// keeps twice as many.
const maxUnshown = state.AuditRing / 2

// auditLimiter limits commands so that each audit record is written before the ring
// overwrites it: a flood of bad commands must not push out the record of a good one.
type auditLimiter struct {
	source follow.Source
	// taken returns the seq up to which records need not stay in the ring, and a channel that
	// is closed when that changes.
	taken func() (seq uint64, changed <-chan struct{})

	mu       sync.Mutex
	underWay uint64 // commands that have room and left no record yet
	newest   uint64 // seq of the newest record that is known
}

func newAuditLimiter(source follow.Source, taken func() (uint64, <-chan struct{})) *auditLimiter {
	if taken == nil {
		taken = func() (uint64, <-chan struct{}) {
			changed := source.Changed() // before Latest, so that none is missed
			return newestAudit(source.Latest()), changed
		}
	}
	return &auditLimiter{source: source, taken: taken}
}

// acquire waits until there is room for one more audit record. release is to be
// called with the record's seq, or with 0 when there is none.
func (l *auditLimiter) acquire(ctx context.Context) (release func(seq uint64), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("command: %w", context.Cause(ctx))
	}
	select {
	case <-l.source.Done():
		return nil, loop.ErrLoopClosed // a command that is judged now would be lost
	default:
	}
	for {
		taken, changed := l.taken()
		if ctx.Err() == nil && l.take(taken) {
			return l.release, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("too many commands at once, this one did not get its turn: %w", context.Cause(ctx))
		case <-l.source.Done():
			return nil, loop.ErrLoopClosed
		}
	}
}

// tryAcquire is acquire for those who don't wait.
func (l *auditLimiter) tryAcquire() (release func(seq uint64), ok bool) {
	if taken, _ := l.taken(); !l.take(taken) {
		return nil, false
	}
	return l.release, true
}

// take takes room for one record, if there is some beside those that are on their way.
func (l *auditLimiter) take(taken uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = max(l.newest, taken)
	if l.underWay+l.newest-taken >= maxUnshown {
		return false
	}
	l.underWay++
	return true
}

func (l *auditLimiter) release(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.underWay--
	l.newest = max(l.newest, seq)
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}
